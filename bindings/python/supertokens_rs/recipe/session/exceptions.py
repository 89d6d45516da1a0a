"""Errors of sessions."""

from ..._errors import ClaimValidationError as ClaimValidationError
from ..._errors import ClearDuplicateSessionCookiesError as ClearDuplicateSessionCookiesError
from ..._errors import InvalidClaimsError as InvalidClaimsError
from ..._errors import SuperTokensError as SuperTokensError
from ..._errors import SuperTokensSessionError as SuperTokensSessionError
from ..._errors import TokenTheftError as TokenTheftError
from ..._errors import TryRefreshTokenError as TryRefreshTokenError
from ..._errors import UnauthorisedError as UnauthorisedError
from ..._errors import raise_clear_duplicate_session_cookies_exception as raise_clear_duplicate_session_cookies_exception
from ..._errors import raise_invalid_claims_exception as raise_invalid_claims_exception
from ..._errors import raise_token_theft_exception as raise_token_theft_exception
from ..._errors import raise_try_refresh_token_exception as raise_try_refresh_token_exception
from ..._errors import raise_unauthorised_exception as raise_unauthorised_exception
from ..._types import RecipeUserId as RecipeUserId
