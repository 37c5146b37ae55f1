-- The document is made once and sent as text with every call, as a client would.
\if :fresh
select jsonb_agg(jsonb_build_object('type', 'bench', 'payload', :payload::jsonb))::text as jobs from generate_series(1, :batch) \gset
\set fresh 0
\endif
select count(*) from forge.enqueue_many(:jobs);
