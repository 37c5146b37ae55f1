"""Writes procedures/REFERENCE.md from the catalog of a database with Forge: `make reference`."""

from __future__ import annotations

from pathlib import Path

import psycopg

from forge.migrate import migrate
from tests import server as servers
from tests.database import Database

TARGET = Path(__file__).parents[2] / "procedures" / "REFERENCE.md"

FUNCTIONS = """
select p.proname as name,
       pg_get_function_arguments(p.oid) as arguments,
       pg_get_function_result(p.oid) as result,
       obj_description(p.oid, 'pg_proc') as manual
from pg_proc as p
where p.pronamespace = 'forge'::regnamespace and p.proname !~ '^_'
order by p.proname
"""

HEAD = """\
# Function reference
Generated from `comment on function` by `make reference`; `\\df+ forge.*` in psql shows the same.
Call with named arguments: `forge.enqueue('email', priority => 10)`.

"""


def render(dsn: str) -> str:
    """The whole file, as the functions in this database describe themselves."""
    with psycopg.connect(dsn) as connection:
        functions = connection.execute(FUNCTIONS).fetchall()
        codes = connection.execute("select code, name, meaning from forge.errors()").fetchall()
    parts = [HEAD]
    parts += [f"[{name}](#{name}) · " for name, *_ in functions[:-1]]
    parts += [f"[{functions[-1][0]}](#{functions[-1][0]})\n"]
    for name, arguments, result, manual in functions:
        lines = ",\n    ".join(arguments.split(", ")) if len(arguments) > 60 else arguments
        signature = f"{name}(\n    {lines}\n)" if "\n" in lines else f"{name}({lines})"
        summary, _, rest = manual.partition("\n")
        parts.append(f"\n## {name}\n{summary}\n\n```\n{signature}\nreturns {result}\n```\n")
        if rest.strip():
            parts.append(f"```text\n{rest.strip()}\n```\n")
    parts.append("\n## Errors\n| SQLSTATE | name | meaning |\n|---|---|---|\n")
    parts += [f"| `{code}` | `{name}` | {meaning} |\n" for code, name, meaning in codes]
    return "".join(parts)


def main() -> None:
    dsn, stop = servers.start()
    database = Database(dsn, "forge_reference")
    try:
        database.create("template0")
        migrate(database.dsn)
        TARGET.write_text(render(database.dsn), encoding="utf-8")
    finally:
        database.drop()
        stop()


if __name__ == "__main__":
    main()
