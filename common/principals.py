"""Who calls the API without being a person."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerPrincipal:
    """A partner's system, signed in by an API key. It may do what is declared for partners, and nothing else."""

    pk: UUID
    is_authenticated: ClassVar[bool] = True
