-- A thousand payloads in one document, made once and sent as text with every call, as any client would.
\if :fresh
select jsonb_agg(:payload::jsonb)::text as rows from generate_series(1, :batch) \gset
\set fresh 0
\endif
insert into bare (queue, payload) select 'default', r.value from jsonb_array_elements(:rows) as r;
