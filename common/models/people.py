"""People, and who they are elsewhere."""

from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models.functions import Now, Upper

from common import ids

NAME = SearchVector("display_name", config="simple")


class UserManager(BaseUserManager["User"]):
    """Makes people for Django's own commands (`createsuperuser`) and finds them by email for its sign-in."""

    def create_user(self, email: str, password: str | None = None, **fields: object) -> "User":
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A person: a learner, a member of staff, or both. Signs in by email."""

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    email = models.EmailField(max_length=254)
    display_name = models.CharField(max_length=100)
    is_active = models.BooleanField("active", default=True)
    is_staff = models.BooleanField("may use the admin", default=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["display_name"]

    class Meta:
        # Django compares without case by UPPER(), so this index serves the constraint and sign-in alike.
        constraints = [models.UniqueConstraint(Upper("email"), name="user_one_email")]
        # Few among many: without these, listing them would read everybody.
        indexes = [
            models.Index(fields=["id"], name="user_staff", condition=models.Q(is_staff=True)),
            models.Index(fields=["id"], name="user_deactivated", condition=models.Q(is_active=False)),
            GinIndex(NAME, name="user_words_of_name"),
        ]

    def __str__(self) -> str:
        return f"{self.display_name} <{self.email}>"


class ExternalIdentity(models.Model):
    """Who a person is at the identity provider whose tokens are taken: `sub` and `iss` of those."""

    issuer = models.CharField(max_length=200)
    subject = models.CharField(max_length=255)
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        verbose_name_plural = "external identities"
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="identity_one_person"),
            # An email that was given to somebody new does not give them the account of who had it.
            models.UniqueConstraint(fields=["person", "issuer"], name="identity_one_each"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} at {self.issuer}"
