"""The routes of the application in Django."""

import apps

urlpatterns = apps.django_urls()
