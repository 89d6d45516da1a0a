-- The dashboard's search: what begins with a text in any case, or does so behind an '@'. Indexes of our own; a Java core keeps them up to
-- date without knowing of them. The third of each table has only the addresses with more than one "@".
CREATE INDEX IF NOT EXISTS emailpassword_users_search_email_index ON {emailpassword_users} (app_id, (LOWER(email) {bytes}));
CREATE INDEX IF NOT EXISTS emailpassword_users_search_domain_index ON {emailpassword_users} (app_id, ({behind_at email} {bytes}));
CREATE INDEX IF NOT EXISTS emailpassword_users_search_more_ats_index ON {emailpassword_users} (app_id) WHERE email LIKE '%@%@%';
CREATE INDEX IF NOT EXISTS thirdparty_users_search_email_index ON {thirdparty_users} (app_id, (LOWER(email) {bytes}));
CREATE INDEX IF NOT EXISTS thirdparty_users_search_domain_index ON {thirdparty_users} (app_id, ({behind_at email} {bytes}));
CREATE INDEX IF NOT EXISTS thirdparty_users_search_more_ats_index ON {thirdparty_users} (app_id) WHERE email LIKE '%@%@%';
CREATE INDEX IF NOT EXISTS passwordless_users_search_email_index ON {passwordless_users} (app_id, (LOWER(email) {bytes}));
CREATE INDEX IF NOT EXISTS passwordless_users_search_domain_index ON {passwordless_users} (app_id, ({behind_at email} {bytes}));
CREATE INDEX IF NOT EXISTS passwordless_users_search_more_ats_index ON {passwordless_users} (app_id) WHERE email LIKE '%@%@%';
CREATE INDEX IF NOT EXISTS webauthn_users_search_email_index ON {webauthn_users} (app_id, (LOWER(email) {bytes}));
CREATE INDEX IF NOT EXISTS webauthn_users_search_domain_index ON {webauthn_users} (app_id, ({behind_at email} {bytes}));
CREATE INDEX IF NOT EXISTS webauthn_users_search_more_ats_index ON {webauthn_users} (app_id) WHERE email LIKE '%@%@%';
CREATE INDEX IF NOT EXISTS passwordless_users_search_phone_index ON {passwordless_users} (app_id, (LOWER(phone_number) {bytes}));
CREATE INDEX IF NOT EXISTS thirdparty_users_search_provider_index ON {thirdparty_users} (app_id, (LOWER(third_party_id) {bytes}));
