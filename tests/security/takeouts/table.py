"""Every attack of SECURITY.md with its defence taken out: what is changed, and the test that fails.

`old` is found once in its file, or it is the first of several; `new` is what an oversight would
have left. One defence may be held by several tests, and one test may hold several.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Takeout:
    attack: str
    defence: str
    file: str
    old: str
    new: str
    test: str  # as SECURITY.md names it


def out(attack: str, defence: str, file: str, old: str, new: str, *tests: str) -> list[Takeout]:
    return [
        Takeout(attack=attack, defence=defence, file=file, old=old, new=new, test=test)
        for test in tests
    ]


PIN = "set search_path = pg_catalog, forge, pg_temp\n"
GRANT = "execute format('grant execute on function %s to %I', v_signature, v_role);"
USAGE = "execute format('grant usage on schema forge to %I', v_role);"

IN_THE_DATABASE = [
    *out(
        "a function that trusts the caller's path",
        "each public function has a pinned path",
        "procedures/51_settings.sql", PIN, "",
        "catalog/test_functions.py::test_public_functions_run_as_the_owner_with_a_pinned_path",
    ),
    *out(
        "a login without any role calls functions",
        "EXECUTE is revoked from everybody",
        "procedures/99_grants.sql", "revoke all on all functions in schema forge from public;", "",
        "catalog/test_grants.py::test_nothing_is_granted_to_the_public",
    ),
    *out(
        "a producer claims jobs",
        "functions are granted by name",
        "procedures/99_grants.sql",
        "'errors', 'version', 'enqueue',", "'errors', 'version', 'dequeue', 'enqueue',",
        "catalog/test_grants.py::test_a_role_may_call_its_functions_and_no_others",
        "security/test_producer.py::test_it_neither_reads_nor_claims_nor_steers",
    ),
    *out(
        "a login reads a table",
        "no role has a right on a table",
        "procedures/99_grants.sql", USAGE,
        USAGE + " execute format('grant select on forge.jobs to %I', v_role);",
        "catalog/test_grants.py::test_no_role_reads_or_writes_a_table_or_counts_up_a_sequence",
        "security/test_producer.py::test_it_neither_reads_nor_claims_nor_steers",
    ),
    *out(
        "a producer makes functions in the schema",
        "only USAGE on it is granted",
        "procedures/99_grants.sql", "grant usage on schema forge to %I", "grant all on schema forge to %I",
        "security/test_producer.py::test_it_cannot_give_itself_more",
    ),
    *out(
        "a producer hands its rights on",
        "rights are granted without the option to grant",
        "procedures/99_grants.sql", GRANT, GRANT.replace("to %I'", "to %I with grant option'"),
        "security/test_producer.py::test_what_it_hands_out_of_its_own_goes_nowhere",
    ),
    *out(
        "a producer changes a job of others by its unique_key",
        "a taken key keeps the job as it is",
        "procedures/12_unique.sql",
        "coalesce(options.on_conflict, 'keep')", "coalesce(options.on_conflict, 'replace')",
        "security/test_producer.py::test_a_taken_key_tells_the_id_and_nothing_else",
    ),
    *out(
        "a viewer changes a job",
        "functions are granted by name",
        "procedures/99_grants.sql", "'job', 'explain',", "'job', 'cancel', 'explain',",
        "security/test_viewer.py::test_no_function_that_it_may_call_writes",
        "security/test_viewer.py::test_it_calls_nothing_that_writes",
    ),
    *out(
        "functions, operators and tables of a stranger's come first in the path",
        "the path of enqueue is pinned",
        "procedures/10_enqueue.sql", PIN, "",
        "security/test_shadowing.py::test_no_function_can_be_made_to_run_a_stranger_as_its_owner",
    ),
    *out(
        "the same, further on in the life of a job",
        "the path of complete is pinned",
        "procedures/30_complete.sql", PIN, "",
        "security/test_shadowing.py::test_a_whole_life_runs_no_stranger_either",
    ),
    *out(
        "the name of a queue is SQL",
        "names are quoted where a statement is composed",
        "procedures/17_set_admission.sql",
        "(%L::pg_catalog.text[]) '", "(''%s''::pg_catalog.text[]) '",
        "security/test_injection.py::test_no_text_of_any_function_is_taken_for_sql",
    ),
    *out(
        "a name that was kept is SQL when it is read back",
        "names are quoted where a statement is composed",
        "procedures/84_changes.sql",
        "'create trigger %I after", "'create trigger %s after",
        "security/test_injection.py::test_a_name_that_was_kept_is_not_taken_for_sql_later",
    ),
    *out(
        "a part of a URL is SQL",
        "arguments travel apart from the statement",
        "app/forge/db.py",
        "    text, sent = _prepare(function, arguments, row)\n    try:\n"
        "        async with conn.cursor(row_factory=struct_row(row)) as cursor:\n"
        "            await cursor.execute(text, sent)\n",
        "    text, sent = _prepare(function, arguments, row)\n    try:\n"
        "        async with conn.cursor(row_factory=struct_row(row)) as cursor:\n"
        "            for name, value in sent.items():\n"
        "                if isinstance(value, str):\n"
        "                    text = text.replace(f'%({name})s', f\"'{value}'\".replace('%', '%%'))\n"
        "            await cursor.execute(text, sent)\n",
        "security/test_injection.py::test_no_part_of_a_url_is_taken_for_sql",
    ),
    *out(
        "a cron text is something else",
        "only five fields of known form are read",
        "procedures/64_cron.sql", "'^(?:(\\*)|(\\w+)(?:-(\\w+))?)(?:/([0-9]{1,9}))?$'",
        "'(?:(\\*)|(\\w+)(?:-(\\w+))?)(?:/([0-9]{1,9}))?'",
        "security/test_injection.py::test_what_is_no_cron_is_refused_at_once",
    ),
    *out(
        "a statement is composed where nobody looks for it",
        "a lint knows the files that compose statements",
        "procedures/50_operate.sql",
        "    perform forge._announce('cancel', v_job.queue);\n",
        "    perform forge._announce('cancel', v_job.queue);\n    execute format('select %L', 'x');\n",
        "catalog/test_source.py::test_statements_are_composed_only_where_names_are_not_known",
    ),
    *out(
        "a condition reads what its asker may not",
        "the function of each look belongs to the asker",
        "procedures/66_conditions.sql",
        "if _look.asker <> current_user then", "if false then",
        "security/test_producer.py::test_a_condition_is_not_taken_for_what_its_asker_may_not_read",
        "security/test_producer.py::test_what_the_tick_looks_at_has_no_rights_but_the_askers",
    ),
    *out(
        "a condition is asked in the name of another",
        "the type of `asker` takes nobody but the caller",
        "db/0010.conditions.sql",
        "check (value = current_user)", "check (value <> '')",
        "security/test_producer.py::test_a_condition_is_not_asked_in_the_name_of_another",
    ),
    *out(
        "a trigger made by hand holds an expression that reads tables",
        "the trigger function belongs to a role without rights",
        "procedures/99_grants.sql",
        "execute format('alter function %s owner to %I', v_pair[2], v_pair[1]);", "",
        "security/test_producer.py::test_a_trigger_of_its_own_making_runs_without_rights",
        "procedures/test_on_change_rights.py::test_an_expression_has_no_rights_and_is_refused_beforehand",
    ),
    *out(
        "a condition writes",
        "a look is read-only",
        "procedures/66_conditions.sql",
        "perform set_config('transaction_read_only', 'on', true);", "",
        "procedures/test_conditions.py::test_a_condition_changes_nothing",
    ),
    *out(
        "a temporary object of the writer stands in for one that a change names",
        "the path that a change keeps has pg_temp last",
        "procedures/84_changes.sql",
        "concat_ws(', ', nullif(_check_change.path, ''), 'pg_temp')",
        "coalesce(nullif(_check_change.path, ''), '\"\"')",
        "procedures/test_on_change_rights.py::test_a_temporary_object_of_the_writer_stands_in_for_nothing",
    ),
    *out(
        "an SQL handler becomes another role",
        "its wrapper is a security definer",
        "procedures/85_register.sql",
        "'language plpgsql security definer set search_path from current as %L'",
        "'language plpgsql set search_path from current as %L'",
        "procedures/test_sql_handlers_rights.py::test_it_gets_no_other_rights",
    ),
    *out(
        "an SQL handler leaves a path behind that the owner looks names up by",
        "the path is compared before anything is looked up by it",
        "procedures/83_run.sql",
        "if pg_catalog.textne(pg_catalog.current_setting('search_path'), _run_job.path) then",
        "if false then",
        "procedures/test_sql_handlers_rights.py::test_it_cannot_leave_a_search_path_behind",
    ),
    *out(
        "an operator registers in the name of a role that is not theirs",
        "the session must be a member of run_as",
        "procedures/81_sql_handlers.sql",
        "or pg_has_role(session_user, _check_sql_handler.role, 'member')\n    ) then",
        "or true\n    ) then",
        "procedures/test_sql_handlers_rights.py::test_who_is_no_member_of_the_role_cannot_register_for_it",
    ),
    *out(
        "the owner of a function gains the rights of run_as",
        "the owner must have those rights already",
        "procedures/81_sql_handlers.sql",
        "if not (v_function.prosecdef or pg_has_role("
        "v_function.proowner, _check_sql_handler.role, 'member')) then",
        "if false then",
        "procedures/test_sql_handlers_rights.py::test_the_owner_of_a_function_gains_no_rights_by_changing_it",
    ),
    *out(
        "an operator calls the halves of a registration alone",
        "a wrapper that is no security definer is not called",
        "procedures/81_sql_handlers.sql", "        and p.prosecdef;", "        and true;",
        "procedures/test_sql_handlers_rights.py::test_the_helpers_alone_give_nobody_more_rights",
    ),
]  # fmt: skip

AT_THE_API = [
    *out(
        "no token",
        "a route lets nobody in whom the keeper does not know",
        "app/forge/api/guard.py",
        "        if not token or scheme.lower() != \"bearer\":\n            raise unknown(\"a token is needed\")\n",
        "        if not token or scheme.lower() != \"bearer\":\n            return Access(role=\"viewer\")\n",
        "api/test_access.py::test_without_a_token_nothing_is_told",
        "security/test_tokens.py::test_a_token_counts_in_its_header_only",
        "api/test_events.py::test_only_readers_may_watch",
        "api/test_tokens.py::test_a_revoked_token_lets_nobody_in_and_the_door_stays_closed",
    ),
    *out(
        "a token in the address",
        "only the header is read",
        "app/forge/api/guard.py",
        "await self.identify(connection.headers.get(\"authorization\"), address)",
        "await self.identify(connection.headers.get(\"authorization\") or "
        "f\"Bearer {connection.query_params.get('access_token', '')}\", address)",
        "security/test_tokens.py::test_a_token_counts_in_its_header_only",
    ),
    *out(
        "a token of another role",
        "the right of a route is compared with the role's",
        "app/forge/api/guard.py", "if right not in access.rights:", "if False:",
        "api/test_access.py::test_a_role_may_do_what_the_table_says",
        "api/test_events.py::test_only_readers_may_watch",
    ),
    *out(
        "a wrong token",
        "who is not known is not let in",
        "app/forge/api/guard.py",
        "            raise unknown(\"this token is not known\")\n",
        "            return Access(role=\"viewer\")\n",
        "api/test_access.py::test_a_wrong_token_is_refused",
        "security/test_tokens.py::test_an_unknown_token_and_a_revoked_one_look_the_same",
    ),
    *out(
        "a role that is asked for in a header",
        "the role is the token's",
        "app/forge/api/guard.py", "        connection.state.access = access\n",
        "        access = Access(role=connection.headers.get(\"x-role\", access.role))\n"
        "        connection.state.access = access\n",
        "security/test_tokens.py::test_a_role_cannot_be_asked_for",
    ),
    *out(
        "a header that makes a write of a read",
        "the method is the request's own",
        "app/forge/api/observing.py",
        "        began = time.perf_counter()\n",
        "        began = time.perf_counter()\n"
        "        for name, value in scope[\"headers\"]:\n"
        "            if name == b\"x-http-method-override\":\n"
        "                scope[\"method\"] = value.decode()\n",
        "security/test_viewer.py::test_no_header_makes_a_write_of_a_read",
    ),
    *out(
        "guessed tokens",
        "an address with too many wrong ones is not heard",
        "app/forge/api/guard.py", "            self._failures.take(address)\n", "",
        "api/test_rates.py::test_who_guesses_tokens_is_not_heard_any_longer",
    ),
    *out(
        "a revoked token",
        "authenticate looks at revoked_at",
        "procedures/86_tokens.sql", "        and t.revoked_at is null\n", "",
        "api/test_tokens.py::test_a_revoked_token_lets_nobody_in_and_the_door_stays_closed",
        "api/test_tokens.py::test_a_revoked_token_ends_its_open_streams_and_no_others",
        "security/test_tokens.py::test_an_unknown_token_and_a_revoked_one_look_the_same",
    ),
    *out(
        "all tokens are revoked, and the door is open again",
        "one row is enough, whatever became of it",
        "procedures/86_tokens.sql",
        "select exists (select from forge.tokens as t);",
        "select exists (select from forge.tokens as t where t.revoked_at is null);",
        "api/test_tokens.py::test_a_revoked_token_lets_nobody_in_and_the_door_stays_closed",
    ),
    *out(
        "a hash from a stolen database is the token",
        "what comes in is hashed before it is looked up",
        "app/forge/api/keeper.py",
        "return await self._look_up(hash) if _OURS.fullmatch(token) else None",
        "return await self._look_up(\n"
        "            bytes.fromhex(token.removeprefix(\"forge_\")) if _OURS.fullmatch(token) else hash\n"
        "        )",
        "security/test_tokens.py::test_a_hash_from_the_database_opens_nothing",
    ),
    *out(
        "an expired token keeps its open stream",
        "authenticate looks at expires_at",
        "procedures/86_tokens.sql", "        and (t.expires_at > v_now) is not false;", "        and true;",
        "security/test_tokens.py::test_a_token_that_expires_ends_its_open_stream",
    ),
    *out(
        "a revoked token keeps its open stream",
        "the doorman ends the stays of those who would not be let in",
        "app/forge/api/doorman.py", "                    stay.welcome = False\n",
        "                    pass\n",
        "api/test_tokens.py::test_a_revoked_token_ends_its_open_streams_and_no_others",
        "security/test_tokens.py::test_a_token_that_expires_ends_its_open_stream",
    ),
    *out(
        "open to the network without tokens",
        "the server refuses to start so",
        "app/forge/listening.py",
        "return not settings.tokens and not is_loopback(settings.host)", "return False",
        "api/test_exposure.py::test_without_tokens_only_loopback_is_served",
    ),
    *out(
        "the database is down, and nobody can say who is in",
        "an error of the question lets nobody in",
        "app/forge/api/keeper.py",
        "        rows = await self._once(hash, lambda: self._ask_whose(hash))\n",
        "        try:\n"
        "            rows = await self._once(hash, lambda: self._ask_whose(hash))\n"
        "        except Exception:\n"
        "            return Access(role=\"viewer\", hash=hash)\n",
        "api/test_tokens.py::test_a_database_that_is_down_lets_nobody_in",
    ),
    *out(
        "a page of another site writes",
        "Origin is compared with Host",
        "app/forge/api/origin.py",
        "        if origin not in origins and _netloc(origin) != host.lower():", "        if False:",
        "api/test_origin.py::test_a_foreign_page_cannot_write",
        "security/test_http.py::test_an_origin_that_only_looks_like_ours_cannot_write",
    ),
    *out(
        "an Origin that begins like ours",
        "it is compared whole",
        "app/forge/api/origin.py",
        "_netloc(origin) != host.lower():", "not origin.removeprefix(\"http://\").startswith(host):",
        "security/test_http.py::test_an_origin_that_only_looks_like_ours_cannot_write",
    ),
    *out(
        "a name that was rebound to loopback",
        "Host is one of ours",
        "app/forge/api/origin.py",
        "        if _name(host) not in hosts and not await asks_for_tokens():", "        if False:",
        "api/test_origin.py::test_a_rebound_name_is_refused_on_every_route",
        "security/test_http.py::test_a_host_that_only_looks_like_ours_is_not_answered",
    ),
    *out(
        "a Host that begins like ours",
        "it is compared whole",
        "app/forge/api/origin.py",
        "        if _name(host) not in hosts and",
        "        if not any(host.startswith(ours) or host.endswith(ours) for ours in hosts) and",
        "security/test_http.py::test_a_host_that_only_looks_like_ours_is_not_answered",
    ),
    *out(
        "a form of another site",
        "only JSON is read, which browsers ask about first",
        "app/forge/api/requests.py", "if media_type != \"application/json\":", "if False:",
        "security/test_http.py::test_a_form_of_another_site_enqueues_nothing",
    ),
    *out(
        "a link that writes",
        "reading routes write nothing",
        "app/forge/api/system.py",
        "    async with database.connection() as conn:\n",
        "    async with database.connection() as conn:\n"
        "        await conn.execute(\"select from forge.tick()\")\n",
        "security/test_http.py::test_nothing_that_is_only_read_writes",
    ),
    *out(
        "a header is split",
        "an id of others is taken over only where it is plain",
        "app/forge/api/observing.py",
        "if name == b\"x-request-id\" and _PLAIN.fullmatch(value):", "if name == b\"x-request-id\":",
        "security/test_http.py::test_no_header_of_an_answer_holds_what_a_client_says",
        "api/test_access_log.py::test_nothing_a_client_sends_breaks_a_line",
    ),
    *out(
        "a request within a request",
        "a request with two lengths ends its connection",
        "app/forge/api/observing.py",
        "*([(b\"connection\", b\"close\")] if doubtful else []),", "",
        "security/test_http.py::test_no_request_is_hidden_in_another",
    ),
    *out(
        "a line of the worker's log is forged",
        "values that are not plain are quoted",
        "app/forge/worker/log.py", "return text if plain else repr(text)", "return text",
        "security/test_http.py::test_no_line_of_the_workers_log_can_be_forged",
    ),
    *out(
        "a token's name adds fields to the access log",
        "a line is JSON",
        "app/forge/api/access_log.py",
        "logger.log(level, \"%s\", json.dumps(line))",
        "logger.log(level, \"{%s}\", \", \".join(f'\"{k}\": \"{v}\"' for k, v in line.items()))",
        "security/test_tokens.py::test_a_token_of_any_name_makes_one_line",
        "api/test_access_log.py::test_nothing_a_client_sends_breaks_a_line",
    ),
    *out(
        "a client says which address it has",
        "only a trusted proxy is believed",
        "app/forge/api/server.py",
        "proxy_headers=bool(settings.trusted_proxies),\n"
        "            forwarded_allow_ips=list(settings.trusted_proxies),",
        "proxy_headers=True,\n            forwarded_allow_ips=\"*\",",
        "api/test_access_log.py::test_only_a_trusted_proxy_tells_the_address",
    ),
    *out(
        "a queue's name adds samples to the metrics",
        "labels are escaped",
        "procedures/75_prometheus.sql",
        "replace(replace($1, '\\', '\\\\'), '\"', '\\\"')", "$1",
        "procedures/test_prometheus.py::test_a_queue_may_have_any_name",
    ),
    *out(
        "numbers that unpack to gigabytes",
        "they are counted as they would be written out",
        "app/forge/api/requests.py", "if written_out(body) > BATCH_BODY_LIMIT:", "if False:",
        "security/test_bombs.py::test_numbers_that_would_unpack_to_gigabytes_are_refused",
    ),
    *out(
        "a body that makes the search for such numbers slow",
        "the expression never looks back",
        "app/forge/api/requests.py",
        "rb'\"[^\"\\\\]*+(?:\\\\.[^\"\\\\]*+)*+\"?|[0-9][eE][+-]?0*+([0-9]*)', re.DOTALL",
        "rb'\"(?:[^\"\\\\]|\\\\.)*\"|[0-9][eE][+-]?0*([0-9]*)', re.DOTALL",
        "security/test_bombs.py::test_to_look_for_them_takes_no_time_that_grows_faster_than_the_body",
    ),
    *out(
        "a document nested without end",
        "too deep is an answer",
        "app/forge/api/requests.py",
        "        except RecursionError as error:\n"
        "            raise Malformed(\"the body is not JSON\", \"it is nested too deeply\") from error\n",
        "",
        "security/test_bombs.py::test_what_is_nested_too_deeply_is_refused",
    ),
    *out(
        "a packed body",
        "nothing is unpacked",
        "app/forge/api/requests.py", "if coding != \"identity\":", "if False:",
        "security/test_bombs.py::test_a_body_that_says_it_is_packed_is_never_unpacked",
    ),
    *out(
        "a body of any size",
        "a limit for each route",
        "app/forge/api/jobs.py", "request_max_body_size=JOB_BODY_LIMIT,", "request_max_body_size=None,",
        "api/test_slow_clients.py::test_a_body_over_its_limit_is_refused_before_it_is_read",
    ),
    *out(
        "a head that never ends",
        "it has so many seconds",
        "app/forge/api/protocol.py",
        "self._head = self.loop.call_later(HEAD_SECONDS, self.transport.abort)", "pass",
        "api/test_slow_clients.py::test_a_head_that_does_not_come_ends_the_connection",
    ),
    *out(
        "an answer that is never read",
        "it waits for so many seconds",
        "app/forge/api/protocol.py",
        "self._unread = self.loop.call_later(UNREAD_SECONDS, self.transport.abort)", "pass",
        "api/test_slow_clients.py::test_an_answer_that_nobody_reads_does_not_stay",
    ),
    *out(
        "a body of one byte now and then",
        "all of it has a deadline, not each part",
        "app/forge/api/observing.py", "if deadline is None:", "if True:",
        "security/test_bombs.py::test_a_body_that_trickles_in_is_ended_all_the_same",
    ),
    *out(
        "many slow clients",
        "none of them holds a connection to the database",
        "app/forge/api/server.py",
        "            ws=\"none\",\n", "            ws=\"none\",\n            limit_concurrency=100,\n",
        "security/test_bombs.py::test_many_slow_clients_keep_nobody_else_waiting",
    ),
    *out(
        "a viewer that reads slowly",
        "no viewer has a queue",
        "app/forge/api/hub.py",
        "        self._frames[topic] = frame\n",
        "        self._frames[f\"{topic}{len(self._frames)}\"] = frame\n",
        "api/test_events.py::test_a_slow_viewer_skips_to_the_newest_picture",
    ),
    *out(
        "a viewer reads secrets in payloads",
        "they are hidden by the names of their keys",
        "app/forge/api/present.py",
        "    if not access.sees_secrets:\n        for name in", "    if False:\n        for name in",
        "api/test_access.py::test_only_operators_see_secrets",
        "security/test_tokens.py::test_a_producer_reads_no_secret_of_a_job_whose_id_it_guesses",
    ),
    *out(
        "a viewer finds out a secret by asking whether there is a job with it",
        "filters on keys of secrets are for those who may see them",
        "app/forge/api/filters.py", "if not access.sees_secrets and", "if False and",
        "security/test_tokens.py::test_a_viewer_cannot_find_out_a_secret_by_asking_for_it",
    ),
    *out(
        "a secret deep in a document",
        "it is gone through at any depth",
        "app/forge/api/redact.py",
        "        return [_hide(item) for item in value]\n", "        return value\n",
        "api/test_redact.py::test_values_are_hidden_at_any_depth_and_of_any_kind",
    ),
    *out(
        "markup in payloads and errors",
        "the page is built of text, never of HTML",
        "dashboard/js/core/dom.js",
        "if (element.textContent !== safe) element.textContent = safe;",
        "if (element.innerHTML !== safe) element.innerHTML = safe;",
        "dashboard/test_hostile.py::test_hostile_text_is_shown_and_does_nothing",
    ),
    *out(
        "script of others in the page, frames around it",
        "every answer has the headers that forbid it",
        "app/forge/api/app.py", "            add_security_headers,\n            rates", "            rates",
        "api/test_origin.py::test_every_answer_carries_the_security_headers",
    ),
    *out(
        "a path that leads out of the dashboard's files",
        "only what was found at the start is served",
        "app/forge/api/static.py", "if file.is_file() and file.suffix in MEDIA_TYPES", "if file.is_file()",
        "api/test_static.py::test_nothing_else_is_served",
    ),
    *out(
        "an error tells of the server's inside",
        "what is unforeseen has fixed words",
        "app/forge/api/problems.py",
        "ForgeError(\"internal error\", None,", "ForgeError(\"internal error\", repr(error),",
        "api/test_unavailable.py::test_what_is_unforeseen_leaks_nothing",
    ),
]  # fmt: skip

IN_THE_HANDLERS = [
    *out(
        "a webhook to 127.0.0.1, [::1], 169.254.169.254",
        "the address is checked",
        "app/forge/handlers/addresses.py",
        "    return _public(address) or _listed(address, allowed)\n", "    return True\n",
        "handlers/test_addresses.py::test_any_other_address_is_refused_unless_all_are_allowed",
        "handlers/test_addresses.py::test_every_way_to_write_loopback_is_refused",
    ),
    *out(
        "a name that turns private between the check and the use",
        "the connection goes to the address that was checked",
        "app/forge/handlers/webhook.py",
        "call.url.copy_with(host=str(address)),",
        "call.url.copy_with(host=(await self.resolver(call.host, call.port))[0]),",
        "handlers/test_addresses.py::test_a_name_that_turns_private_after_the_check_is_not_asked_again",
    ),
    *out(
        "a proxy of the environment goes around the check",
        "the environment is not asked",
        "app/forge/handlers/webhook.py",
        "async with httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False) as transport:",
        "async with httpx.AsyncClient(verify=self._tls) as client:\n"
        "            transport = client._transport_for_url(call.url)",
        "handlers/test_addresses.py::test_a_proxy_in_the_environment_does_not_get_around_the_check",
    ),
    *out(
        "another's certificate",
        "TLS is held to the name, not to the address",
        "app/forge/handlers/webhook.py",
        "self._tls = httpx.create_ssl_context()", "self._tls = httpx.create_ssl_context(verify=False)",
        "handlers/test_addresses.py::test_tls_checks_the_name_though_the_connection_goes_to_an_address",
    ),
    *out(
        "a redirect to a private address",
        "none is followed, and it is no success",
        "app/forge/handlers/webhook.py", "if 200 <= status < 300:", "if 200 <= status < 400:",
        "security/test_bombs.py::test_a_redirect_leads_a_webhook_nowhere",
    ),
    *out(
        "an answer that unpacks to gigabytes",
        "it is read as it comes, and only its beginning",
        "app/forge/handlers/webhook.py", "response.aiter_raw():", "response.aiter_bytes():",
        "security/test_bombs.py::test_a_webhooks_answer_is_never_unpacked",
    ),
    *out(
        "a webhook's header that splits",
        "names and values are of plain characters",
        "app/forge/handlers/webhook_request.py",
        "if not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):", "if False:",
        "handlers/test_webhook.py::test_a_bad_payload_never_retries",
    ),
    *out(
        "a token in a URL gets into the log",
        "what is said of a call has neither path nor query",
        "app/forge/handlers/webhook_request.py",
        "{self.url.scheme}://{self.url.netloc.decode()}\"", "{self.url}\"",
        "handlers/test_webhook.py::test_no_url_gets_into_the_log",
    ),
    *out(
        "a mail's header that splits",
        "what Python's own package refuses as well is refused for good",
        "app/forge/handlers/email_message.py",
        "except (MessageError, ValueError, LookupError, AttributeError) as error:",
        "except ZeroDivisionError as error:",
        "handlers/test_email.py::test_a_bad_payload_never_retries",
    ),
    *out(
        "a login in clear text",
        "with a login, nothing but an encrypted connection will do",
        "app/forge/handlers/config.py",
        "self.security or (\"starttls\" if self.user else \"auto\")", "self.security or \"auto\"",
        "handlers/test_email_refusals.py::test_a_login_does_not_go_out_in_clear_text_by_default",
    ),
    *out(
        "a report runs as a superuser",
        "it refuses to",
        "app/forge/handlers/report.py",
        "if found is not None and found[0] and not self.config.allow_superuser:", "if False:",
        "handlers/test_report_refusals.py::test_a_superuser_is_refused_unless_allowed",
    ),
    *out(
        "a cell that a spreadsheet runs",
        "formulas are disarmed",
        "app/forge/handlers/report_format.py",
        "return f\"'{text}\" if text.startswith(_FORMULA_STARTS) else text", "return text",
        "handlers/test_report.py::test_csv_disarms_formulas_and_leaves_numbers",
    ),
    *out(
        "markup in a report",
        "every value is escaped",
        "app/forge/handlers/report_format.py",
        "text = \"\" if value is None else html.escape(_text(value, column))",
        "text = \"\" if value is None else _text(value, column)",
        "handlers/test_report.py::test_html_escapes_every_value_and_name",
    ),
    *out(
        "a link where a report is to be written",
        "a report is written beside and moved into its place",
        "app/forge/handlers/report_file.py",
        "        self._part.replace(self.path)\n",
        "        self.path.write_bytes(self._part.read_bytes())\n",
        "handlers/test_report.py::test_a_report_replaces_an_older_one_whole_and_follows_no_link",
    ),
]  # fmt: skip

TAKEOUTS = {
    "In the database": IN_THE_DATABASE,
    "At the API": AT_THE_API,
    "In the handlers": IN_THE_HANDLERS,
}
