"""Companies House (United Kingdom): company profile, control and exemption from naming it.

Public data API, HTTP Basic with the key as user; 404 is the documented "no such record".
"""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from activities.sources.connector import (
    NO_RECORD,
    Connector,
    Extract,
    Inquire,
    Inquiry,
    Page,
    day,
    get,
)
from runtime.settings import Endpoint
from workflows import calls
from workflows.data.sources import Company, CompanyAnswer, CompanyQuery, SourceState


class CompaniesHouse(Connector[CompanyQuery, CompanyAnswer]):
    """The register of companies of the United Kingdom, by company number."""

    call = calls.COMPANY
    service = "companies_house"
    source = "UK Companies House"
    licence = "Open Government Licence 3.0"

    def inquire(self, query: CompanyQuery, endpoint: Endpoint) -> Inquiry:
        """Ask for the profile, then who controls it, then (where nobody is named) why."""
        path = f"/company/{quote(query.identifier.value, safe='')}"
        profile = yield ask_register(path, endpoint)
        if not profile.found:
            return NO_RECORD
        control = yield ask_register(f"{path}/persons-with-significant-control", endpoint)
        controllers = _controllers(control)
        exempt = None
        if not controllers:
            exemptions = yield ask_register(f"{path}/exemptions", endpoint)
            exempt = exempt_by(exemptions)
        company = _company(profile.json(), controllers, exempt)
        return Extract(SourceState.FOUND, {"company": company})


def ask_register(path: str, endpoint: Endpoint) -> Inquire:
    """Ask for a page of the register, as the holder of the key if there is one."""
    if not endpoint.key:
        return get(path)
    user = b64encode(f"{endpoint.key}:".encode()).decode()
    return get(path, {"authorization": f"Basic {user}"})


def _company(
    profile: Mapping[str, Any], controllers: tuple[str, ...], exempt: bool | None
) -> Company:
    accounts = profile.get("accounts") or {}
    office = profile.get("registered_office_address") or {}
    return Company(
        name=profile["company_name"],
        number=profile["company_number"],
        status=profile.get("company_status") or "",
        kind=profile.get("type") or "",
        incorporated=day(profile.get("date_of_creation")),
        address=_address(office),
        postcode=office.get("postal_code") or "",
        accounts_overdue=accounts.get("overdue"),
        accounts_made_up_to=day((accounts.get("last_accounts") or {}).get("made_up_to")),
        confirmation_overdue=(profile.get("confirmation_statement") or {}).get("overdue"),
        office_doubtful=_doubtful(profile),
        insolvency_history=profile.get("has_insolvency_history"),
        control_exempt=exempt,
        controllers=controllers,
    )


def _doubtful(profile: Mapping[str, Any]) -> bool | None:
    names = ("registered_office_is_in_dispute", "undeliverable_registered_office_address")
    said = [profile[name] for name in names if profile.get(name) is not None]
    return any(said) if said else None


def _address(office: Mapping[str, Any]) -> str:
    names = ("address_line_1", "address_line_2", "locality", "region", "postal_code", "country")
    return ", ".join(str(office[name]) for name in names if office.get(name))


def _controllers(control: Page) -> tuple[str, ...]:
    """Tell kinds and natures of control that have not ceased; never a name."""
    if not control.found:
        return ()
    active = [item for item in control.json().get("items") or [] if not item.get("ceased_on")]
    return tuple(
        f"{item.get('kind') or 'unknown'}: {', '.join(item.get('natures_of_control') or [])}"
        for item in active
    )


def exempt_by(exemptions: Page) -> bool | None:
    """Say whether an exemption from naming controllers is in force; None if none is on file."""
    if not exemptions.found:
        return None
    kinds = (exemptions.json().get("exemptions") or {}).values()
    return any(
        not item.get("exempt_to") for kind in kinds for item in (kind or {}).get("items") or []
    )
