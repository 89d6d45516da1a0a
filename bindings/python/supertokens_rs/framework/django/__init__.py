"""Django: `supertokens_rs.framework.django.django_middleware.middleware` in MIDDLEWARE."""
