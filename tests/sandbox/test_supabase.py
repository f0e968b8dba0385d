from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

if TYPE_CHECKING:
    from .conftest import Pica

PROJECTS, PROJECT = "/v1/projects", "/v1/projects/{{ref}}"
SECRETS, QUERY = f"{PROJECT}/secrets", f"{PROJECT}/database/query"
STORED = f"{PROJECT}/storage/{{{{bucket}}}}/{{{{name}}}}"
FUNCTIONS, DEPLOY = f"{PROJECT}/functions", f"{PROJECT}/functions/deploy"
INVOKE = f"{PROJECT}/functions/{{{{function_slug}}}}/invoke"


class Home:
    """One connection, and one of its projects."""

    def __init__(self, pica: "Pica", key: str, ref: str) -> None:
        self.pica, self.key, self.ref = pica, key, ref

    async def send(self, method: str, path: str, /, values: Mapping[str, object] | None = None, **request: Any) -> Any:
        return await self.pica.send(self.key, method, path, {"ref": self.ref, **(values or {})}, **request)

    async def names(self) -> list[str]:
        return [secret["name"] for secret in (await self.send("GET", SECRETS)).json()]

    async def query(self, query: str) -> httpx2.Response:
        return await self.send("POST", QUERY, json={"query": query})


@pytest.fixture
async def home(pica: "Pica") -> Home:
    key = pica.box.connect("supabase", name="Engines")
    engine, _ = (await pica.send(key, "GET", PROJECTS)).json()
    return Home(pica, key, engine["ref"])


async def test_a_project_is_listed_and_found(home: Home) -> None:
    found = (await home.send("GET", PROJECT)).json()
    assert (found["ref"], found["name"], found["status"]) == (home.ref, "engine", "ACTIVE_HEALTHY")
    lost = await home.pica.send(home.key, "GET", PROJECT, {"ref": "nowhere"})
    assert (lost.status_code, lost.json()) == (404, {"message": "Resource not found"})


async def test_secrets_are_set_and_deleted_by_arrays(home: Home) -> None:
    body = [{"name": "OIL", "value": "a"}, {"name": "GEAR", "value": "b"}]
    made = await home.send("POST", SECRETS, json=body)
    assert (made.status_code, made.content) == (201, b"")
    assert await home.names() == ["GEAR", "OIL", "SMTP_PASSWORD"]
    gone = await home.send("DELETE", SECRETS, json=["OIL", "GEAR", "NEVER"])
    assert (gone.status_code, gone.content) == (200, b"")
    assert await home.names() == ["SMTP_PASSWORD"]


async def test_a_secret_is_never_shown(home: Home) -> None:
    assert "oil-can" not in (await home.send("GET", SECRETS)).text


@pytest.mark.parametrize(
    "body", [{"name": "OIL", "value": "a"}, [{"name": "OIL"}], [{"name": "SUPABASE_X", "value": "a"}], [7], None]
)
async def test_other_bodies_than_arrays_of_secrets_are_refused(home: Home, body: Any) -> None:
    assert (await home.send("POST", SECRETS, json=body)).status_code == 400
    assert await home.names() == ["SMTP_PASSWORD"]


@pytest.mark.parametrize("body", [b'{"names": ["SMTP_PASSWORD"]}', b"[1]", b"[", b"", b"\xff"])
async def test_other_bodies_than_arrays_of_names_delete_nothing(home: Home, body: bytes) -> None:
    assert (await home.send("DELETE", SECRETS, content=body)).status_code == 400
    assert await home.names() == ["SMTP_PASSWORD"]


async def test_a_head_answers_in_headers_alone(home: Home) -> None:
    found = await home.send("HEAD", STORED, {"bucket": "manuals", "name": "engine/gear 42.txt"})
    assert (found.status_code, found.content) == (200, b"")
    assert found.headers["x-pica-passthrough-x-object-size"] == "21"
    assert found.headers["x-pica-passthrough-content-type"] == "text/plain"
    lost = await home.send("HEAD", STORED, {"bucket": "manuals", "name": "gear 42.txt"})
    assert (lost.status_code, lost.content) == (404, b"")


async def test_a_query_reads_and_destroys(home: Home) -> None:
    rows = await home.query("SELECT *\n FROM gears LIMIT 2;")
    assert (rows.status_code, rows.json()) == (201, [{"id": 1, "teeth": 12}, {"id": 2, "teeth": 24}])
    assert (await home.query("delete from gears")).json() == []
    assert (await home.query("select count(*) from gears")).json() == [{"count": 0}]
    await home.query("drop table gears")
    assert "does not exist" in (await home.query("select * from gears")).json()["message"]
    assert "syntax error" in (await home.query("oil gears")).json()["message"]
    assert (await home.send("POST", QUERY, json={})).status_code == 400


async def test_a_paused_project_answers_nothing_until_it_is_restored(home: Home) -> None:
    assert (await home.send("POST", f"{PROJECT}/restore")).status_code == 400
    assert (await home.send("POST", f"{PROJECT}/pause")).status_code == 200
    assert (await home.query("select * from gears")).json() == {"message": "Project is paused"}
    assert (await home.send("POST", f"{PROJECT}/restore")).content == b""
    assert (await home.query("select * from gears")).status_code == 201


async def test_a_get_runs_a_function_and_counts_it(home: Home) -> None:
    runs = [(await home.send("GET", INVOKE, {"function_slug": "turn-crank"})).json()["runs"] for _ in range(2)]
    assert runs == [1, 2]
    (function,) = (await home.send("GET", FUNCTIONS)).json()
    assert function["runs"] == 2
    assert (await home.send("GET", INVOKE, {"function_slug": "rest"})).status_code == 404


async def test_a_function_is_uploaded_in_parts(home: Home) -> None:
    files = {"file": ("index.ts", b"export default () => 'oiled'\n")}
    made = await home.send("POST", DEPLOY, params={"slug": "oil-gears"}, files=files)
    assert (made.status_code, made.json()["version"], made.json()["size"]) == (201, 1, 29)
    again = await home.send("POST", DEPLOY, data={"name": "oil-gears"}, files=files)
    assert again.json()["version"] == 2


async def test_an_upload_without_a_file_or_a_slug_is_refused(home: Home) -> None:
    named = {"params": {"slug": "oil-gears"}}
    assert (await home.send("POST", DEPLOY, json={"file": "x"}, **named)).status_code == 400
    assert (await home.send("POST", DEPLOY, files={"other": ("a", b"b")}, **named)).status_code == 400
    assert (
        await home.send("POST", DEPLOY, files={"file": ("a", b"b")}, params={"slug": "Oil Gears"})
    ).status_code == 400


async def test_organizations_know_nothing_of_each_other(home: Home) -> None:
    other = home.pica.box.connect("supabase", name="Other")
    assert (await home.pica.send(other, "GET", PROJECT, {"ref": home.ref})).status_code == 404


async def test_bodies_that_are_arrays_are_described_as_such(pica: "Pica") -> None:
    rows = await pica.rows("/v1/knowledge", connectionPlatform="supabase", limit="100")
    bodies = {row["method"]: row["ioSchema"] for row in rows if row["title"].startswith("Bulk")}
    for method, items in (("POST", "object"), ("DELETE", "string")):
        described = bodies[method]["inputSchema"]["properties"]["body"]
        assert (described["type"], described["items"]["type"]) == ("array", items)
    assert bodies["DELETE"]["ioExample"]["input"]["body"] == ["SMTP_PASSWORD"]
