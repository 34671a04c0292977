"""Records of endpoints: HTTP services of a house's own, on its allow-list under their names."""

from typing import Annotated

from pydantic import StringConstraints

from workflows.data.common import JSON, Record

EndpointName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
EndpointPath = Annotated[
    str, StringConstraints(pattern=r"^(/[A-Za-z0-9_~.:,=@-]+)*/?(\?[A-Za-z0-9_~.:,=&%+-]*)?$")
]
"""Below the endpoint's base URL, so that no path leads to another host."""


class EndpointOrder(Record):
    """A POST. `step` tells it from others of the case: its key is scope + endpoint + step."""

    endpoint: EndpointName
    path: EndpointPath = "/"
    step: str
    body: JSON = None


class EndpointQuery(Record):
    """A GET, which changes nothing."""

    endpoint: EndpointName
    path: EndpointPath = "/"


class EndpointView(Record):
    """What a GET was answered with: JSON."""

    body: JSON
