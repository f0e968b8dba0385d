"""The room with a pretend Pica in it: an ASGI app with an account, for tests and for trying without one.

It speaks the newer generation of the API and imports nothing else of this package, because a fake that shared our
models would agree with our mistakes.

| endpoint | answers |
|---|---|
| `GET /v1/vault/connections` | `{rows, total, pages, page}`, newest first, of the secret's environment |
| `GET`, `PATCH`, `DELETE /v1/vault/connections/{id}` | the row; the row with new tags; nothing |
| `GET /v1/available-connectors` | a page of platforms |
| `GET /v1/available-actions/{platform}` | a page of actions, without ids unless `row_ids` |
| `GET /v1/available-actions/search/{platform}` | a bare array, best first, with an ETag |
| `GET /v1/knowledge` | a page of documents, with an ETag; an unknown `_id` is an empty page |
| `GET /v1/users/whoami` | user, organization, project |
| `POST /v1/authkit`, `/v1/authkit/token` | a page of platforms to connect, with `requestId` |
| `ANY /v1/passthrough/{path}` | what the provider says, headers renamed, typed as octets |

| refusal | body |
|---|---|
| Pica's | `{type, code, status, key, message, meta}` |
| Pica's internal ones | the same keys claiming 500, whatever the HTTP status |
| a newer endpoint's or a custom action's | `{statusCode, message: [...], error}` |
| an unknown route | `{type: "error", error: "Not found"}` |
| the edge's, to a default user agent | `error code: 1010` |
| a provider's | its own: Google, Slack (with HTTP 200), Stripe, GitHub |
"""

from pica_mcp.sandbox.box import Sandbox
from pica_mcp.sandbox.journal import Recorded
from pica_mcp.sandbox.routes import LIVE_SECRET, TEST_SECRET

__all__ = ["LIVE_SECRET", "TEST_SECRET", "Recorded", "Sandbox"]
