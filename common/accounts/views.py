"""Accounts over HTTP."""

from django.http import HttpResponse
from rest_framework.request import Request

from common import throttling
from common.accounts import services
from common.accounts.serializers import (
    ProfileBody,
    RefreshBody,
    RegisterBody,
    SignInBody,
    TokenPairView,
    UserView,
)
from common.api import ApiView, answer
from common.operations import Access, Tag, operation
from common.preconditions import check_match, representation

TAG = Tag("Accounts", "Registering, signing in and out, one's own profile.")


def _secret(pair: services.TokenPair) -> HttpResponse:
    response = answer(TokenPairView.render(pair))
    response["Cache-Control"] = "no-store"
    return response


class Register(ApiView):
    """New accounts."""

    @operation(
        id="accounts.register",
        tag=TAG,
        summary="Register an account",
        description="Makes an account for a learner. It does not sign in: that is `accounts.signIn`.",
        access=Access.WITHOUT_CREDENTIALS,
        body=RegisterBody,
        answers={201: UserView},
        errors=[services.EmailAlreadyRegistered],
    )
    def post(self, request: Request) -> HttpResponse:
        body = self.body()
        # Whoever is told that an email is taken has learnt whose email it is.
        with throttling.failures(services.EmailAlreadyRegistered, email=None, meta=request.META):
            return answer(UserView.render(services.register(**body)), status=201)


class CreateToken(ApiView):
    """Signing in."""

    @operation(
        id="accounts.signIn",
        tag=TAG,
        summary="Sign in",
        description="Gives a short-lived access token, and a refresh token for the next pair.",
        access=Access.WITHOUT_CREDENTIALS,
        body=SignInBody,
        answers={200: TokenPairView},
        errors=[services.InvalidCredentials],
    )
    def post(self, request: Request) -> HttpResponse:
        body = self.body()
        with throttling.failures(services.InvalidCredentials, email=body["email"], meta=request.META):
            return _secret(services.sign_in(**body))


class RefreshToken(ApiView):
    """The next token pair."""

    @operation(
        id="accounts.refresh",
        tag=TAG,
        summary="Exchange a refresh token for a new pair",
        description="The refresh token that was sent is dead afterwards.",
        access=Access.WITHOUT_CREDENTIALS,
        body=RefreshBody,
        answers={200: TokenPairView},
        errors=[services.Unauthenticated],
    )
    def post(self, request: Request) -> HttpResponse:
        return _secret(services.refresh_tokens(**self.body()))


class RevokeToken(ApiView):
    """Signing out."""

    @operation(
        id="accounts.signOut",
        tag=TAG,
        summary="Sign out",
        description="The refresh token is dead afterwards. Access tokens run out by themselves.",
        access=Access.WITHOUT_CREDENTIALS,
        body=RefreshBody,
        answers={204: None},
    )
    def post(self, request: Request) -> HttpResponse:
        services.sign_out(**self.body())
        return answer(None, status=204)


class Me(ApiView):
    """The signed-in person."""

    @operation(
        id="accounts.me",
        tag=TAG,
        summary="Read one's own account",
        description="Who the access token stands for.",
        access=Access.SIGNED_IN,
        answers={200: UserView},
        tagged=True,
    )
    def get(self, request: Request) -> HttpResponse:
        me = services.to_account(self.person())
        return representation(request, UserView.render(me), version=str(me.version))

    @operation(
        id="accounts.update",
        tag=TAG,
        summary="Change one's own account",
        description="Only the members that are sent change. The email cannot be changed.",
        access=Access.SIGNED_IN,
        body=ProfileBody,
        answers={200: UserView},
        tagged=True,
        conditional=True,
    )
    def patch(self, request: Request) -> HttpResponse:
        me = services.to_account(self.person())
        expected = check_match(request, str(me.version))
        changes = self.body()
        if changes:
            me = services.rename(person_id=me.id, expected_version=int(expected) if expected else None, **changes)
        return representation(request, UserView.render(me), version=str(me.version))
