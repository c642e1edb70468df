-- The first schema. Its twin in ../postgres has the same tables and columns; ../README.md says
-- what differs and why a released migration never changes.

-- One row: what this database belongs to.
CREATE TABLE installation (
    id                               INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    master_key_fingerprint           BLOB NOT NULL, -- of the key that secrets are sealed with
    previous_master_key_fingerprint  BLOB, -- of the one before, while some may still be sealed with it
    master_key_rotated_at            TEXT, -- when a rotation last ended
    created_at                       TEXT NOT NULL
) STRICT;

CREATE TABLE customer (
    id           BLOB NOT NULL PRIMARY KEY,
    name         TEXT NOT NULL,
    name_folded  TEXT NOT NULL,
    time_zone    TEXT NOT NULL DEFAULT 'UTC', -- IANA name; schedules are understood in it
    paused_at    TEXT,           -- scheduled runs of all its integrations stand still since
    paused_by    TEXT,           -- who did that
    pause_reason TEXT,
    created_at   TEXT NOT NULL,
    deleted_at   TEXT            -- in the bin since; purged 30 days later
) STRICT;
CREATE INDEX customer_by_name ON customer (name_folded, id);

-- One row while the scheduled runs of every customer are paused.
CREATE TABLE pause_of_all (
    id            INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    paused_at     TEXT    NOT NULL,
    paused_by     TEXT    NOT NULL,
    pause_reason  TEXT
) STRICT;

-- What groups customers: roles can be given for those that have a tag.
CREATE TABLE customer_tag (
    customer_id  BLOB NOT NULL REFERENCES customer (id) ON DELETE CASCADE,
    tag          TEXT NOT NULL, -- in small letters
    PRIMARY KEY (customer_id, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX customer_tag_by_tag ON customer_tag (tag, customer_id);

CREATE TABLE operator (
    id                 BLOB NOT NULL PRIMARY KEY,
    email              TEXT NOT NULL,
    email_folded       TEXT NOT NULL UNIQUE,
    name               TEXT NOT NULL,
    name_folded        TEXT NOT NULL,
    password_hash      TEXT,          -- argon2id, PHC string; null: no password
    created_at         TEXT NOT NULL,
    joined_at          TEXT,          -- null: the invitation was not followed yet
    disabled_at        TEXT,          -- can't sign in since
    last_signed_in_at  TEXT
) STRICT;
CREATE INDEX operator_by_name ON operator (name_folded, id);

-- What an operator is, and for which customers. scope: all · some, those in
-- operator_role_customer · tags, those with a tag in operator_role_tag · all_except, all but those
-- in operator_role_customer.
CREATE TABLE operator_role (
    operator_id  BLOB NOT NULL PRIMARY KEY REFERENCES operator (id) ON DELETE CASCADE,
    role         TEXT NOT NULL,
    scope        TEXT NOT NULL
) STRICT;
CREATE TABLE operator_role_customer (
    operator_id  BLOB NOT NULL REFERENCES operator_role (operator_id) ON DELETE CASCADE,
    customer_id  BLOB NOT NULL REFERENCES customer (id) ON DELETE CASCADE,
    PRIMARY KEY (operator_id, customer_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE operator_role_tag (
    operator_id  BLOB NOT NULL REFERENCES operator_role (operator_id) ON DELETE CASCADE,
    tag          TEXT NOT NULL, -- of customer_tag; no customer need have it
    PRIMARY KEY (operator_id, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX operator_role_tag_by_tag ON operator_role_tag (tag, operator_id);

-- The links with which operators set a password: one of each purpose at a time, for once.
CREATE TABLE operator_link (
    operator_id  BLOB NOT NULL REFERENCES operator (id) ON DELETE CASCADE,
    purpose      TEXT NOT NULL, -- invitation, password_reset
    secret_hash  BLOB NOT NULL UNIQUE, -- SHA-256 of what stands in the link
    created_at   TEXT NOT NULL,
    expires_at   TEXT NOT NULL,
    PRIMARY KEY (operator_id, purpose)
) STRICT, WITHOUT ROWID;

-- Mails with such links. What a stranger asks for is kept before it is known whether there is
-- such an operator, so that the answer takes as long either way.
CREATE TABLE operator_mail (
    id             BLOB    NOT NULL PRIMARY KEY,
    operator_id    BLOB REFERENCES operator (id) ON DELETE CASCADE, -- null: not looked up yet
    purpose        TEXT    NOT NULL,
    address        TEXT    NOT NULL,
    invited_by     TEXT,
    secret_sealed  BLOB,   -- what stands in the link; gone once it is sent or given up
    status         TEXT    NOT NULL,
    attempts       INTEGER NOT NULL,
    error          TEXT,   -- JSON, of the last attempt
    created_at     TEXT    NOT NULL,
    attempted_at   TEXT
) STRICT;
CREATE INDEX operator_mail_by_operator ON operator_mail (operator_id);

-- What only operators have: passkeys.
CREATE TABLE operator_passkey (
    id             BLOB    NOT NULL PRIMARY KEY,
    operator_id    BLOB    NOT NULL REFERENCES operator (id) ON DELETE CASCADE,
    credential_id  BLOB    NOT NULL UNIQUE, -- the authenticator's name for it
    credential     TEXT    NOT NULL, -- JSON: the public key, and what the authenticator said of it
    sign_count     INTEGER NOT NULL, -- how often it was given, where it counts; else 0
    name           TEXT    NOT NULL,
    created_at     TEXT    NOT NULL,
    last_used_at   TEXT
) STRICT;
CREATE INDEX operator_passkey_by_operator ON operator_passkey (operator_id, created_at);

-- What a browser was told to ask a passkey for, until the answer comes: for once, and for minutes.
CREATE TABLE passkey_question (
    id           BLOB NOT NULL PRIMARY KEY, -- stands in the session that asked
    kind         TEXT NOT NULL,             -- register, prove, sign_in
    operator_id  BLOB REFERENCES operator (id) ON DELETE CASCADE, -- null: whoever it may be
    state        TEXT NOT NULL,             -- JSON, with the challenge
    expires_at   TEXT NOT NULL
) STRICT;
CREATE INDEX passkey_question_by_expiry ON passkey_question (expires_at);

-- The roles that need a second factor.
CREATE TABLE second_factor_role (
    role  TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- Browsers in which an operator signed in before: tries there are counted apart from a stranger's.
CREATE TABLE known_browser (
    operator_id   BLOB NOT NULL REFERENCES operator (id) ON DELETE CASCADE,
    secret_hash   BLOB NOT NULL, -- SHA-256 of what the cookie holds
    last_used_at  TEXT NOT NULL,
    PRIMARY KEY (operator_id, secret_hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX known_browser_by_secret ON known_browser (secret_hash);

CREATE TABLE session (
    id_hash       BLOB NOT NULL PRIMARY KEY, -- SHA-256 of what the cookie holds
    id            BLOB NOT NULL UNIQUE,      -- to name it by without knowing the cookie
    operator_id   BLOB REFERENCES operator (id) ON DELETE CASCADE, -- null before sign-in
    user_id       BLOB,                      -- a user of a directory who signed in
    data          TEXT NOT NULL,             -- JSON object of tower-sessions
    user_agent    TEXT NOT NULL,
    address       TEXT,                      -- of the sign-in
    created_at    TEXT NOT NULL,             -- the absolute end counts from here
    last_used_at  TEXT NOT NULL,
    expires_at    TEXT NOT NULL
) STRICT;
CREATE INDEX session_by_operator ON session (operator_id);
CREATE INDEX session_by_user ON session (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX session_by_expiry ON session (expires_at);

-- The accounts at OpenID providers with which operators sign in. provider_id is the id in
-- configuration; issuer and subject name the account there for good.
CREATE TABLE operator_identity (
    id            BLOB NOT NULL PRIMARY KEY,
    operator_id   BLOB NOT NULL REFERENCES operator (id) ON DELETE CASCADE,
    provider_id   TEXT NOT NULL,
    issuer        TEXT NOT NULL,
    subject       TEXT NOT NULL, -- sub; of Entra ID the object id, whose tenant is in issuer
    display       TEXT NOT NULL, -- what it was called when it was last used
    linked_at     TEXT NOT NULL,
    last_used_at  TEXT,
    UNIQUE (provider_id, issuer, subject)
) STRICT;
CREATE INDEX operator_identity_by_operator ON operator_identity (operator_id);

-- Sign-ins under way at a provider, each for once. Nothing secret is in here: state and what the
-- browser's session holds are kept as hashes, and the other secrets are made from the two.
CREATE TABLE provider_sign_in (
    state_hash       BLOB NOT NULL PRIMARY KEY,
    browser_hash     BLOB NOT NULL,
    provider_id      TEXT NOT NULL,
    purpose          TEXT NOT NULL, -- sign_in, invitation, link
    invitation_hash  BLOB,         -- secret_hash of operator_link
    operator_id      BLOB REFERENCES operator (id) ON DELETE CASCADE, -- who links an account
    return_to        TEXT NOT NULL,
    expires_at       TEXT NOT NULL
) STRICT;
CREATE INDEX provider_sign_in_by_browser ON provider_sign_in (browser_hash);
CREATE INDEX provider_sign_in_by_expiry ON provider_sign_in (expires_at);

-- Failed tries to sign in, by what was tried (an account, an address), to slow the next ones.
CREATE TABLE sign_in_failure (
    subject   TEXT    NOT NULL PRIMARY KEY,
    failures  INTEGER NOT NULL,
    last_at   TEXT    NOT NULL
) STRICT;

-- Tries that were refused without being looked at, and calls with tokens that can't be used, while they are
-- counted for one entry of the audit log.
CREATE TABLE refused_try (
    subject      TEXT NOT NULL PRIMARY KEY, -- what is counted by
    action       TEXT NOT NULL, -- as all that follows: of the entry that the first one left
    customer_id  BLOB,
    object_id    BLOB,
    object_name  TEXT NOT NULL,
    address      TEXT,
    tries        INTEGER NOT NULL,
    begun_at     TEXT NOT NULL
) STRICT;

CREATE TABLE api_token (
    id                    BLOB NOT NULL PRIMARY KEY,
    name                  TEXT NOT NULL,
    name_folded           TEXT NOT NULL,
    search_text           TEXT NOT NULL, -- folded names, its own and of who made it
    kind                  TEXT NOT NULL, -- personal, program
    role                  TEXT NOT NULL,
    all_customers         INTEGER NOT NULL,
    addresses             TEXT NOT NULL, -- JSON array of networks it may be used from; empty: all
    operator_id           BLOB REFERENCES operator (id) ON DELETE CASCADE, -- whose rights it is cut to; null: made by the command line
    secret_hash           BLOB NOT NULL UNIQUE, -- SHA-256 of the whole token
    secret_set_at         TEXT NOT NULL,
    previous_secret_hash  BLOB UNIQUE, -- of the secret before, while it is good too
    previous_ends_at      TEXT,
    created_by            TEXT NOT NULL,
    created_at            TEXT NOT NULL,
    expires_at            TEXT NOT NULL,
    last_used_at          TEXT,
    last_used_address     TEXT,
    lists_read            TEXT, -- JSON: the last day on which it read lists, and which; for the audit log
    revoked_at            TEXT
) STRICT;
CREATE INDEX api_token_by_operator ON api_token (operator_id);
CREATE INDEX api_token_by_name ON api_token (name_folded, id);
CREATE TABLE api_token_customer (
    api_token_id  BLOB NOT NULL REFERENCES api_token (id) ON DELETE CASCADE,
    customer_id   BLOB NOT NULL REFERENCES customer (id) ON DELETE CASCADE,
    PRIMARY KEY (api_token_id, customer_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX api_token_customer_by_customer ON api_token_customer (customer_id, api_token_id);

-- The customers that a token lists, cut to those that the operator who answers for it looks after
-- now. One stands there more than once where several of its tags are the operator's.
CREATE VIEW api_token_reach AS
SELECT c.api_token_id, c.customer_id
  FROM api_token_customer c
  JOIN api_token t ON t.id = c.api_token_id
  LEFT JOIN operator_role r ON r.operator_id = t.operator_id
  LEFT JOIN operator_role_customer l
         ON l.operator_id = r.operator_id AND l.customer_id = c.customer_id
  LEFT JOIN operator_role_tag g ON g.operator_id = r.operator_id
  LEFT JOIN customer_tag ct ON ct.customer_id = c.customer_id AND ct.tag = g.tag
 WHERE t.operator_id IS NULL
    OR r.scope = 'all'
    OR (r.scope = 'some' AND l.customer_id IS NOT NULL)
    OR (r.scope = 'all_except' AND l.customer_id IS NULL)
    OR (r.scope = 'tags' AND ct.customer_id IS NOT NULL);

CREATE TABLE credential_profile (
    id                      BLOB NOT NULL PRIMARY KEY,
    customer_id             BLOB REFERENCES customer (id) ON DELETE CASCADE, -- null: shared
    name                    TEXT NOT NULL,
    name_folded             TEXT NOT NULL,
    kind                    TEXT NOT NULL,
    client_id               BLOB NOT NULL,
    secret_id               BLOB NOT NULL,        -- which secret it is: names it without telling it
    secret_sealed           BLOB NOT NULL,        -- the secret, or the private key in PEM
    certificate_pem         TEXT,
    certificate_thumbprint  TEXT,                 -- SHA-256, hexadecimal
    certificate_thumbprint_sha1  TEXT,            -- as Entra shows it
    expires_at              TEXT,
    created_at              TEXT NOT NULL,
    secret_set_at           TEXT NOT NULL,
    switched_at             TEXT, -- when the second one took the place of the first
    switched_because        TEXT, -- the code by which Entra refused the first; null: a person did it
    second_id               BLOB, -- the other secret: the next one, or the one used before
    second_kind             TEXT,
    second_secret_sealed    BLOB,
    second_certificate_pem  TEXT,
    second_certificate_thumbprint       TEXT,
    second_certificate_thumbprint_sha1  TEXT,
    second_expires_at       TEXT,
    second_set_at           TEXT,
    second_tested_at        TEXT, -- when it last signed in as a test
    second_replaced_at      TEXT, -- until when it was the used one; null: it never was
    warned_of               TEXT, -- the end that was last warned of
    warned_days             INTEGER -- the fewest days before that end at which it was
) STRICT;
CREATE INDEX credential_profile_by_name ON credential_profile (name_folded, id);

CREATE TABLE integration (
    id                     BLOB    NOT NULL PRIMARY KEY,
    customer_id            BLOB    NOT NULL REFERENCES customer (id) ON DELETE CASCADE,
    kind                   TEXT    NOT NULL,
    name                   TEXT    NOT NULL,
    name_folded            TEXT    NOT NULL,
    tenant                 TEXT    NOT NULL,
    tenant_id              BLOB,             -- pinned at the first proven connection
    cloud                  TEXT    NOT NULL,
    credential_profile_id  BLOB    NOT NULL REFERENCES credential_profile (id),
    tenant_vouched_by      TEXT, -- who, seeing all customers, let the tenant be another's too
    enabled                INTEGER NOT NULL,
    full_scan_next         INTEGER NOT NULL,
    first_full_done        INTEGER NOT NULL, -- schedules count from then on (sync.md rule 12)
    schedule               TEXT    NOT NULL, -- JSON
    policy                 TEXT    NOT NULL, -- JSON, without the selected groups
    state                  TEXT    NOT NULL,
    failures               INTEGER NOT NULL, -- runs failed since the last that did not
    refusals               INTEGER NOT NULL DEFAULT 0, -- of these, sign-ins that were refused
    last_error             TEXT,             -- JSON, of the last failed run
    last_full_at           TEXT,             -- the last complete full read
    read_key               TEXT, -- what the cursors were made for; another needs a full read
    planned_policy         TEXT, -- what everything was last planned by; null: plan everything
    last_run_id            BLOB,
    last_sync_started_at   TEXT,
    last_sync_status       TEXT,
    last_sync_detail       TEXT    NOT NULL, -- in a few words
    next_run_at            TEXT,             -- by itself; kept while it is paused
    paused_at              TEXT,
    paused_by              TEXT,
    pause_reason           TEXT,
    created_at             TEXT    NOT NULL
) STRICT;
CREATE INDEX integration_by_customer ON integration (customer_id, name_folded, id);
CREATE INDEX integration_by_name ON integration (name_folded, id);
CREATE INDEX integration_by_profile ON integration (credential_profile_id);
CREATE INDEX integration_by_tenant ON integration (tenant_id);
CREATE INDEX integration_due ON integration (next_run_at) WHERE next_run_at IS NOT NULL;

-- Links for an administrator of a customer who has no account here: Microsoft's admin consent for one
-- application in one tenant. What was proven by one stays when the link ends.
CREATE TABLE consent_link (
    id                     BLOB NOT NULL PRIMARY KEY,
    customer_id            BLOB NOT NULL REFERENCES customer (id) ON DELETE CASCADE,
    credential_profile_id  BLOB NOT NULL REFERENCES credential_profile (id) ON DELETE CASCADE,
    client_id              BLOB NOT NULL, -- the profile's when the link was made
    cloud                  TEXT NOT NULL,
    tenant                 TEXT NOT NULL,
    object_types           TEXT NOT NULL, -- JSON array, of what will be read
    vouched                INTEGER NOT NULL, -- whoever made it sees all customers
    needs_sign_in          INTEGER NOT NULL, -- an administrator of the tenant has to sign in, too
    secret_hash            BLOB NOT NULL UNIQUE, -- SHA-256 of what stands in the link
    created_by             TEXT NOT NULL,
    created_at             TEXT NOT NULL,
    expires_at             TEXT NOT NULL,
    revoked_at             TEXT,
    opened_at              TEXT, -- when its page was last looked at, to the minute
    state_hash             BLOB UNIQUE, -- of the "state" on its way to Microsoft and back, once
    state_step             TEXT, -- what is asked for there: consent, sign_in
    state_ends_at          TEXT,
    checked_at             TEXT, -- when a token was last asked for
    consented_at           TEXT, -- when Microsoft said so last
    returned_tenant        TEXT, -- what it named then, which proves nothing
    signed_in_tenant_id    BLOB, -- whose administrator signed in by it last
    signed_in_object_id    BLOB, -- that administrator, in that tenant
    proven_at              TEXT, -- when a token first proved the tenant
    proven_tenant_id       BLOB,
    roles                  TEXT NOT NULL, -- JSON array, of the permissions in the last token
    error                  TEXT -- JSON, of what failed last
) STRICT;
CREATE INDEX consent_link_by_customer ON consent_link (customer_id, id);
CREATE INDEX consent_link_by_profile ON consent_link (credential_profile_id);

-- The selected groups, with what was known of them when last seen.
CREATE TABLE integration_group (
    integration_id  BLOB NOT NULL REFERENCES integration (id) ON DELETE CASCADE,
    external_id     BLOB NOT NULL,
    display_name    TEXT,
    kind            TEXT,
    member_count    INTEGER,
    PRIMARY KEY (integration_id, external_id)
) STRICT, WITHOUT ROWID;

-- Where each stream of an integration goes on: `user`, `group`, or `group:0` and so on for the
-- chunks of selected groups.
CREATE TABLE delta_cursor (
    integration_id  BLOB NOT NULL REFERENCES integration (id) ON DELETE CASCADE,
    stream          TEXT NOT NULL,
    link            TEXT NOT NULL,
    updated_at      TEXT NOT NULL,
    PRIMARY KEY (integration_id, stream)
) STRICT, WITHOUT ROWID;

-- What the source gave, by the source's own id.
CREATE TABLE source_object (
    integration_id       BLOB    NOT NULL,
    object_type          TEXT    NOT NULL,
    external_id          BLOB    NOT NULL,
    presence             TEXT    NOT NULL, -- present, soft_deleted, gone
    display_name         TEXT    NOT NULL,
    name_folded          TEXT    NOT NULL,
    search_text          TEXT    NOT NULL, -- folded names and addresses
    user_principal_name  TEXT,
    user_name_folded     TEXT,
    mail_folded          TEXT, -- where it isn't the user name; of users
    employee_id_folded   TEXT,
    given_name           TEXT,
    surname              TEXT,
    mail                 TEXT,
    sign_in_blocked      INTEGER NOT NULL,
    guest                INTEGER NOT NULL,
    group_kind           TEXT,
    dynamic              INTEGER NOT NULL,
    attributes           TEXT    NOT NULL, -- JSON object of the others
    hash                 BLOB    NOT NULL, -- of all of the above
    mapping_error        TEXT,             -- what fails, where a mapping rule does; then its content is as it was
    mapped_from          TEXT,             -- JSON object of the source's values that mapping rules read
    in_scope             INTEGER NOT NULL, -- with groups selected: the scope holds it
    kept                 INTEGER NOT NULL, -- its memberships are shown: it is wanted, and there once the run is applied
    pending              TEXT,             -- why its wanted state isn't applied yet
    protected            INTEGER NOT NULL DEFAULT 0, -- a rule of the policy protected it when last planned; for lists
    PRIMARY KEY (integration_id, object_type, external_id)
) STRICT;
CREATE INDEX source_object_pending
    ON source_object (integration_id, object_type, external_id) WHERE pending IS NOT NULL;
CREATE INDEX source_object_guest
    ON source_object (integration_id, object_type, external_id) WHERE guest;
CREATE INDEX source_object_protected
    ON source_object (integration_id, object_type, external_id) WHERE protected;

-- A group's members of one type, as the source gave them: their ids in order, 16 bytes each.
CREATE TABLE source_membership (
    integration_id     BLOB NOT NULL,
    group_external_id  BLOB NOT NULL,
    member_type        TEXT NOT NULL,
    members            BLOB NOT NULL,
    PRIMARY KEY (integration_id, group_external_id, member_type)
) STRICT;

CREATE TABLE directory_user (
    id                   BLOB NOT NULL PRIMARY KEY,
    customer_id          BLOB NOT NULL,
    integration_id       BLOB,
    external_id          BLOB,
    source_type          TEXT NOT NULL,
    user_principal_name  TEXT,
    user_name_folded     TEXT,
    mail_folded          TEXT, -- where it isn't the user name; of users
    employee_id_folded   TEXT,
    display_name         TEXT NOT NULL,
    name_folded          TEXT NOT NULL,
    search_text          TEXT NOT NULL,
    given_name           TEXT,
    surname              TEXT,
    mail                 TEXT,
    attributes           TEXT NOT NULL, -- JSON object
    hash                 BLOB,          -- of the source object it was made from
    status               TEXT NOT NULL,
    status_reason        TEXT,
    delete_at            TEXT,
    countdown_cancelled_at TEXT, -- its deletion was cancelled; the cause stands in status_reason
    countdown_cancelled_by TEXT,
    countdown_cancelled_note TEXT,
    protected_at         TEXT, -- no run changes it since
    protected_by         TEXT,
    protected_note       TEXT,
    guest                INTEGER NOT NULL DEFAULT 0, -- of one made here; else its source object says so
    administrator_at     TEXT, -- it administers its customer's workspace since
    administrator_by     TEXT,
    status_before        TEXT, -- of one in the bin: what restoring brings back
    purge_at             TEXT, -- of one in the bin: when it goes for good
    created_at           TEXT NOT NULL,
    changed_at           TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX directory_user_by_source
    ON directory_user (integration_id, external_id) WHERE integration_id IS NOT NULL;
CREATE INDEX directory_user_due
    ON directory_user (integration_id, delete_at) WHERE delete_at IS NOT NULL;
CREATE INDEX directory_user_protected
    ON directory_user (integration_id, external_id) WHERE protected_at IS NOT NULL;
CREATE INDEX directory_user_in_bin ON directory_user (purge_at) WHERE purge_at IS NOT NULL;
-- Everything that a page of the grid is found by: a search for a part of a name reads this index alone.
CREATE INDEX directory_user_by_name
    ON directory_user (customer_id, name_folded, id, status, source_type, search_text);
-- The same over all customers.
CREATE INDEX directory_user_by_name_of_all
    ON directory_user (name_folded, id, status, source_type, customer_id);
-- Filters that few rows fit.
CREATE INDEX directory_user_counting
    ON directory_user (customer_id, id) WHERE delete_at IS NOT NULL;
CREATE INDEX directory_user_protected_of_customer
    ON directory_user (customer_id, id) WHERE protected_at IS NOT NULL;
CREATE INDEX directory_user_administrator
    ON directory_user (customer_id, id) WHERE administrator_at IS NOT NULL;
CREATE INDEX directory_user_by_user_name ON directory_user (customer_id, user_name_folded);
CREATE INDEX directory_user_by_mail
    ON directory_user (customer_id, mail_folded) WHERE mail_folded IS NOT NULL;
CREATE INDEX directory_user_by_employee_id
    ON directory_user (customer_id, employee_id_folded) WHERE employee_id_folded IS NOT NULL;
CREATE INDEX directory_user_made_here ON directory_user (customer_id) WHERE integration_id IS NULL;

CREATE TABLE directory_group (
    id              BLOB    NOT NULL PRIMARY KEY,
    customer_id     BLOB    NOT NULL,
    integration_id  BLOB   ,
    external_id     BLOB,
    source_type     TEXT    NOT NULL,
    display_name    TEXT    NOT NULL,
    name_folded     TEXT    NOT NULL,
    search_text     TEXT    NOT NULL,
    mail            TEXT,
    kind            TEXT    NOT NULL,
    dynamic         INTEGER NOT NULL,
    attributes      TEXT    NOT NULL, -- JSON object
    hash            BLOB,
    status          TEXT    NOT NULL,
    status_reason   TEXT,
    delete_at       TEXT,
    countdown_cancelled_at TEXT, -- its deletion was cancelled; the cause stands in status_reason
    countdown_cancelled_by TEXT,
    countdown_cancelled_note TEXT,
    status_before   TEXT, -- as of a user
    purge_at        TEXT, -- as of a user
    created_at      TEXT    NOT NULL,
    changed_at      TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX directory_group_by_source ON directory_group (integration_id, external_id);
CREATE INDEX directory_group_due
    ON directory_group (integration_id, delete_at) WHERE delete_at IS NOT NULL;
CREATE INDEX directory_group_in_bin ON directory_group (purge_at) WHERE purge_at IS NOT NULL;
CREATE INDEX directory_group_by_name ON directory_group (customer_id, name_folded, id, status);
-- The same over all customers.
CREATE INDEX directory_group_by_name_of_all
    ON directory_group (name_folded, id, status, customer_id);

CREATE TABLE directory_contact (
    id              BLOB NOT NULL PRIMARY KEY,
    customer_id     BLOB NOT NULL,
    integration_id  BLOB,
    external_id     BLOB,
    source_type     TEXT NOT NULL,
    display_name    TEXT NOT NULL,
    name_folded     TEXT NOT NULL,
    search_text     TEXT NOT NULL,
    given_name      TEXT,
    surname         TEXT,
    mail            TEXT,
    attributes      TEXT NOT NULL, -- JSON object: companyName, department, jobTitle ...
    hash            BLOB,
    status          TEXT NOT NULL,
    status_reason   TEXT,
    delete_at       TEXT,
    countdown_cancelled_at TEXT, -- its deletion was cancelled; the cause stands in status_reason
    countdown_cancelled_by TEXT,
    countdown_cancelled_note TEXT,
    created_at      TEXT NOT NULL,
    changed_at      TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX directory_contact_by_source ON directory_contact (integration_id, external_id);
CREATE INDEX directory_contact_due
    ON directory_contact (integration_id, delete_at) WHERE delete_at IS NOT NULL;
CREATE INDEX directory_contact_by_name ON directory_contact (customer_id, name_folded, id, status);

CREATE TABLE directory_device (
    id              BLOB NOT NULL PRIMARY KEY,
    customer_id     BLOB NOT NULL,
    integration_id  BLOB,
    external_id     BLOB,
    source_type     TEXT NOT NULL,
    display_name    TEXT NOT NULL,
    name_folded     TEXT NOT NULL,
    search_text     TEXT NOT NULL,
    attributes      TEXT NOT NULL, -- JSON object: operatingSystem, trustType ...
    hash            BLOB,
    status          TEXT NOT NULL,
    status_reason   TEXT,
    delete_at       TEXT,
    countdown_cancelled_at TEXT, -- its deletion was cancelled; the cause stands in status_reason
    countdown_cancelled_by TEXT,
    countdown_cancelled_note TEXT,
    created_at      TEXT NOT NULL,
    changed_at      TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX directory_device_by_source ON directory_device (integration_id, external_id);
CREATE INDEX directory_device_due
    ON directory_device (integration_id, delete_at) WHERE delete_at IS NOT NULL;
CREATE INDEX directory_device_by_name ON directory_device (customer_id, name_folded, id, status);

CREATE TABLE directory_membership (
    group_id     BLOB NOT NULL,
    member_id    BLOB NOT NULL, -- the id of a directory_user, directory_group, directory_contact or directory_device
    member_type  TEXT NOT NULL,
    PRIMARY KEY (group_id, member_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX directory_membership_by_member ON directory_membership (member_id, group_id);

CREATE TABLE run (
    id                BLOB    NOT NULL PRIMARY KEY,
    integration_id    BLOB, -- outlives the integration, as the history does; none of an import
    integration_name  TEXT, -- set once the integration is deleted; of an import what it is of
    customer_id       BLOB    NOT NULL REFERENCES customer (id) ON DELETE CASCADE,
    mode              TEXT    NOT NULL,
    triggered_by      TEXT    NOT NULL, -- the API's `trigger`, a word that SQL keeps for itself
    started_by        TEXT,             -- a person's or a token's name
    status            TEXT    NOT NULL,
    phase             TEXT    NOT NULL,
    complete_read     INTEGER NOT NULL, -- the round in staging is whole
    full_read         INTEGER NOT NULL, -- all in scope was read, whatever the mode asked for
    queued_at         TEXT    NOT NULL,
    started_at        TEXT,
    ended_at          TEXT,
    error             TEXT,             -- JSON
    requests          INTEGER NOT NULL,
    resource_units    INTEGER NOT NULL,
    pages_read        INTEGER NOT NULL,
    objects_read      INTEGER NOT NULL,
    objects_expected  INTEGER,
    planned           INTEGER NOT NULL,
    applied           INTEGER NOT NULL,
    round             TEXT,             -- JSON: where the streams of the complete round go on
    planned_at        TEXT,             -- countdowns of this plan begin here
    held_key          TEXT,             -- tells one held set from another (sync.md rule 8)
    replaced_by       BLOB,             -- of a held run: the newer one that took its place
    held_in           BLOB,             -- the held run that found the same set before
    policy            TEXT,             -- JSON: what a preview decides by, with the groups
    base_policy       TEXT,             -- JSON: what was saved when the preview began
    object_type       TEXT,             -- of mode `object`, this and the next three: which one
    object_external_id BLOB,
    object_name       TEXT,             -- where anything is kept of it
    object_reason     TEXT,             -- why it is kept out or leaves, as the run found it
    cancelled_by      TEXT,             -- asked to end by whom, at the next page or batch
    folded            INTEGER NOT NULL, -- quiet runs this line stands for (sync.md rule 18)
    last_seen_at      TEXT,             -- when the last of them was
    search_text       TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX run_open ON run (integration_id) WHERE status IN ('queued', 'running');
CREATE INDEX run_by_time ON run (queued_at, id);
CREATE INDEX run_by_customer ON run (customer_id, queued_at, id);
CREATE INDEX run_by_integration ON run (integration_id, queued_at, id);

-- The history line: a run's counts of one object type.
CREATE TABLE run_count (
    run_id       BLOB    NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    object_type  TEXT    NOT NULL,
    status       TEXT    NOT NULL,
    total        INTEGER NOT NULL,
    unchanged    INTEGER NOT NULL,
    created      INTEGER NOT NULL,
    updated      INTEGER NOT NULL,
    disabled     INTEGER NOT NULL,
    enabled      INTEGER NOT NULL,
    deleted      INTEGER NOT NULL,
    restored     INTEGER NOT NULL,
    filtered     INTEGER NOT NULL,
    failed       INTEGER NOT NULL,
    held         INTEGER NOT NULL,
    blocked      INTEGER NOT NULL, -- of disabled, those whose sign-in is blocked
    PRIMARY KEY (run_id, object_type)
) STRICT, WITHOUT ROWID;

-- The plan: one row for each object that changes, is held, fails or is filtered.
CREATE TABLE run_change (
    run_id        BLOB    NOT NULL,
    position      INTEGER NOT NULL,
    object_type   TEXT    NOT NULL,
    external_id   BLOB    NOT NULL,
    object_id     BLOB    NOT NULL, -- the directory's id; made with the plan for a create
    display_name  TEXT    NOT NULL,
    name_folded   TEXT    NOT NULL,
    action        TEXT    NOT NULL,
    reason        TEXT,
    status        TEXT    NOT NULL,
    error         TEXT,
    edges         INTEGER NOT NULL, -- how many a membership change adds and removes; 0 for others
    before_value  TEXT,             -- JSON, the changed attributes only
    after_value   TEXT,             -- JSON; of a membership change {"added": [], "removed": []}
    PRIMARY KEY (run_id, position)
) STRICT, WITHOUT ROWID;
-- What runs did about one object that was here already: of those who come in, which run that was
-- says its time.
CREATE INDEX run_change_by_object ON run_change (object_id, run_id)
    WHERE action IN ('update', 'disable', 'enable', 'delete', 'restore');

-- What was decided about the held changes of a run, once a type.
CREATE TABLE run_decision (
    run_id        BLOB NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    object_type   TEXT NOT NULL,
    decision      TEXT NOT NULL,
    decided_by    TEXT NOT NULL,
    decided_at    TEXT NOT NULL,
    note          TEXT NOT NULL,
    withdrawn_by  TEXT,
    PRIMARY KEY (run_id, object_type)
) STRICT, WITHOUT ROWID;

-- What stays as it is by a rejection, until the source changes it again (sync.md rule 8).
CREATE TABLE kept_by_decision (
    integration_id      BLOB NOT NULL REFERENCES integration (id) ON DELETE CASCADE,
    object_type         TEXT NOT NULL,
    external_id         BLOB NOT NULL, -- of a membership, its group's
    member_external_id  BLOB NOT NULL, -- of a membership, its member's; else nil
    action              TEXT NOT NULL,
    reason              TEXT,
    presence            TEXT,  -- what the source said of it then
    hash                BLOB,
    run_id              BLOB NOT NULL, -- in which it was rejected
    PRIMARY KEY (integration_id, object_type, external_id, member_external_id)
) STRICT, WITHOUT ROWID;

-- This round's objects until the round is complete.
CREATE TABLE run_staging (
    run_id               BLOB    NOT NULL,
    object_type          TEXT    NOT NULL,
    external_id          BLOB    NOT NULL,
    presence             TEXT    NOT NULL,
    display_name         TEXT    NOT NULL,
    name_folded          TEXT    NOT NULL,
    search_text          TEXT    NOT NULL,
    user_principal_name  TEXT,
    user_name_folded     TEXT,
    mail_folded          TEXT, -- where it isn't the user name; of users
    employee_id_folded   TEXT,
    given_name           TEXT,
    surname              TEXT,
    mail                 TEXT,
    sign_in_blocked      INTEGER NOT NULL,
    guest                INTEGER NOT NULL,
    group_kind           TEXT,
    dynamic              INTEGER NOT NULL,
    attributes           TEXT    NOT NULL,
    hash                 BLOB    NOT NULL,
    mapping_error        TEXT,
    mapped_from          TEXT,
    PRIMARY KEY (run_id, object_type, external_id)
) STRICT;
CREATE INDEX run_staging_gone
    ON run_staging (run_id, object_type, external_id) WHERE presence <> 'present';

-- Which objects a full round named, a row a page: what is known and didn't change isn't staged.
CREATE TABLE run_staging_seen (
    run_id       BLOB    NOT NULL,
    position     INTEGER NOT NULL,
    object_type  TEXT    NOT NULL,
    ids          BLOB    NOT NULL, -- 16 bytes each
    PRIMARY KEY (run_id, position)
) STRICT;

-- A group's members as one page of the round named them.
CREATE TABLE run_staging_member (
    run_id             BLOB    NOT NULL,
    group_external_id  BLOB    NOT NULL,
    position           INTEGER NOT NULL, -- later pieces say what is so now
    members            BLOB    NOT NULL, -- 17 bytes each: what it is and whether it left, then its id
    PRIMARY KEY (run_id, group_external_id, position)
) STRICT, WITHOUT ROWID;

-- Who is told what goes wrong: of one customer, or (no customer) of all of them.
CREATE TABLE notification_recipient (
    id                      BLOB NOT NULL PRIMARY KEY,
    customer_id             BLOB REFERENCES customer (id) ON DELETE CASCADE, -- null: of the installation
    kind                    TEXT NOT NULL,
    address                 TEXT NOT NULL, -- a mail address or a URL
    address_folded          TEXT NOT NULL,
    causes                  TEXT NOT NULL, -- JSON list
    secret_sealed           BLOB,          -- what a webhook is signed with
    previous_secret_sealed  BLOB,          -- signs too until then, so that nothing is lost in between
    previous_secret_until   TEXT,
    secret_set_at           TEXT,
    created_at              TEXT NOT NULL,
    reached_at              TEXT -- when the other side last took a message; null: never, at this address
) STRICT;
CREATE INDEX notification_recipient_by_customer
    ON notification_recipient (customer_id, address_folded, id);

-- One row: what came of the last look whether the mail server takes mails.
CREATE TABLE mail_server_check (
    id          INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    checked_at  TEXT NOT NULL,
    error       TEXT -- JSON; null: it would have taken one
) STRICT;

-- What is wrong with an integration now, so that each cause is told once. The row goes when it
-- is right again.
CREATE TABLE notification_cause (
    integration_id  BLOB NOT NULL REFERENCES integration (id) ON DELETE CASCADE,
    cause           TEXT NOT NULL,
    held_key        TEXT,          -- the held set that was told
    run_id          BLOB NOT NULL, -- the last run that found it
    since           TEXT NOT NULL,
    told_at         TEXT,          -- null: not yet, it may pass by itself
    PRIMARY KEY (integration_id, cause)
) STRICT, WITHOUT ROWID;

-- The outbox: a message for one recipient, written with what it tells of.
CREATE TABLE notification_delivery (
    id            BLOB    NOT NULL PRIMARY KEY,
    recipient_id  BLOB    NOT NULL REFERENCES notification_recipient (id) ON DELETE CASCADE,
    customer_id   BLOB REFERENCES customer (id) ON DELETE CASCADE, -- whom it tells of; null: a test, or a shared profile
    message_id    BLOB    NOT NULL, -- the same for every recipient and every try
    cause         TEXT,             -- null: a test message
    title         TEXT    NOT NULL,
    message       TEXT    NOT NULL, -- JSON
    status        TEXT    NOT NULL,
    attempts      INTEGER NOT NULL,
    error         TEXT,             -- JSON, of the last attempt
    created_at    TEXT    NOT NULL,
    attempted_at  TEXT,             -- the last attempt
    next_at       TEXT              -- the next; null once it is over
) STRICT;
CREATE INDEX notification_delivery_by_recipient
    ON notification_delivery (recipient_id, created_at, id);
CREATE INDEX notification_delivery_by_time ON notification_delivery (created_at);

-- The worker's queue: what is to be done, and who has it until when.
CREATE TABLE job (
    id              BLOB    NOT NULL PRIMARY KEY,
    kind            TEXT    NOT NULL,
    payload         TEXT    NOT NULL, -- JSON
    integration_id  BLOB    REFERENCES integration (id) ON DELETE CASCADE,
    priority        INTEGER NOT NULL, -- larger first: what a person asked for before schedules
    run_at          TEXT    NOT NULL,
    attempts        INTEGER NOT NULL, -- leases since the job was made
    lease_until     TEXT,             -- past it another worker may take the job
    lease_token     BLOB,             -- finishing names it, so that a lost lease overwrites nothing
    last_error      TEXT,
    dedupe_key      TEXT    UNIQUE,
    created_at      TEXT    NOT NULL
) STRICT;
CREATE INDEX job_due ON job (priority, run_at, id);

-- The audit log: a chain of hashes for each customer and day, and one for what belongs to no
-- customer, which has a customer id of zeros. Nothing refers to a customer: entries outlive theirs.
CREATE TABLE audit_day (
    day          TEXT NOT NULL PRIMARY KEY, -- in UTC, YYYY-MM-DD
    previous     BLOB NOT NULL, -- the head of the day before; zeros for the first
    head         BLOB, -- over the heads of its chains; null while it is open
    dropped_at   TEXT -- when its entries were removed, being too old
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_chain (
    day          TEXT NOT NULL,
    customer_id  BLOB NOT NULL,
    entries      INTEGER NOT NULL,
    head         BLOB NOT NULL, -- the hash of its last entry
    PRIMARY KEY (day, customer_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_event (
    id             BLOB NOT NULL PRIMARY KEY,
    customer_id    BLOB NOT NULL,
    day            TEXT NOT NULL,
    position       INTEGER NOT NULL, -- in its chain, from 1
    at             TEXT NOT NULL,
    actor_kind     TEXT NOT NULL,
    actor_id       BLOB,
    actor          TEXT NOT NULL,
    channel        TEXT NOT NULL,
    address        TEXT,
    customer_name  TEXT, -- as it was then
    action         TEXT NOT NULL,
    object_type    TEXT NOT NULL,
    object_id      BLOB,
    object_name    TEXT NOT NULL,
    note           TEXT NOT NULL,
    changes        TEXT NOT NULL, -- JSON
    request_id     TEXT NOT NULL,
    search_text    TEXT NOT NULL,
    hash           BLOB NOT NULL, -- over all of it and the hash before it
    UNIQUE (day, customer_id, position)
) STRICT;
CREATE INDEX audit_event_by_customer ON audit_event (customer_id, id);
CREATE INDEX audit_event_by_object ON audit_event (object_id);

-- The account of a user of a directory, with which they sign in to their own page. No row: nobody
-- invited them. Their link is made when its mail is sent.
CREATE TABLE enrolment (
    user_id            BLOB    NOT NULL PRIMARY KEY,
    customer_id        BLOB    NOT NULL,
    invited_at         TEXT    NOT NULL, -- last
    invited_by         TEXT    NOT NULL,
    mail_failed        INTEGER NOT NULL, -- the last mail was given up
    link_hash          BLOB UNIQUE,      -- SHA-256 of what stands in the link; null: not sent yet, or used
    link_expires_at    TEXT,
    enrolled_at        TEXT,
    password_hash      TEXT,             -- argon2id, PHC string
    last_signed_in_at  TEXT
) STRICT;
CREATE INDEX enrolment_by_customer ON enrolment (customer_id);

-- The mails to them.
CREATE TABLE enrolment_mail (
    id             BLOB    NOT NULL PRIMARY KEY,
    user_id        BLOB,   -- null: somebody forgot a password, and it is not looked up yet
    customer_id    BLOB,
    purpose        TEXT    NOT NULL, -- invitation, password_reset
    address        TEXT    NOT NULL, -- before it is looked up: what they sign in as
    invited_by     TEXT    NOT NULL, -- nobody's name where they asked themselves
    secret_sealed  BLOB,   -- what stands in the link, from the first attempt until it is sent or given up
    status         TEXT    NOT NULL,
    attempts       INTEGER NOT NULL,
    error          TEXT,   -- JSON, of the last attempt
    created_at     TEXT    NOT NULL,
    attempted_at   TEXT,
    bounced_at     TEXT -- when somebody said that it came back, after a mail server took it
) STRICT;
CREATE INDEX enrolment_mail_by_user ON enrolment_mail (user_id, created_at);
CREATE INDEX enrolment_mail_by_customer ON enrolment_mail (customer_id, address);

-- Second factors, of operators and of the users of a directory. Each has at most one authenticator
-- app (RFC 6238).
CREATE TABLE authenticator (
    holder_id      BLOB NOT NULL PRIMARY KEY, -- an operator, or a user of a directory
    operator_id    BLOB REFERENCES operator (id) ON DELETE CASCADE,
    user_id        BLOB REFERENCES enrolment (user_id) ON DELETE CASCADE,
    secret_sealed  BLOB NOT NULL,
    last_step      INTEGER NOT NULL, -- of the last code that was taken: none is taken twice
    created_at     TEXT NOT NULL
) STRICT;
CREATE TABLE recovery_code (
    holder_id    BLOB NOT NULL,
    operator_id  BLOB REFERENCES operator (id) ON DELETE CASCADE,
    user_id      BLOB REFERENCES enrolment (user_id) ON DELETE CASCADE,
    code_hash    BLOB NOT NULL, -- SHA-256
    used_at      TEXT,
    PRIMARY KEY (holder_id, code_hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX authenticator_by_operator ON authenticator (operator_id);
CREATE INDEX authenticator_by_user ON authenticator (user_id);
CREATE INDEX recovery_code_by_operator ON recovery_code (operator_id);
CREATE INDEX recovery_code_by_user ON recovery_code (user_id);

-- Operators whose role needs a second factor, and who have none. Who signs in by a provider alone has
-- it there: what else is asked of them is the provider's to say.
CREATE VIEW operator_without_factor AS
SELECT r.operator_id
  FROM operator_role r
  JOIN second_factor_role s ON s.role = r.role
  JOIN operator o ON o.id = r.operator_id
 WHERE NOT EXISTS (SELECT 1 FROM authenticator a WHERE a.holder_id = o.id)
   AND NOT EXISTS (SELECT 1 FROM operator_passkey p WHERE p.operator_id = o.id)
   AND NOT (o.password_hash IS NULL AND EXISTS (
         SELECT 1 FROM operator_identity i WHERE i.operator_id = o.id));

-- How a customer's people are invited. No row: the defaults.
CREATE TABLE enrolment_settings (
    customer_id  BLOB NOT NULL PRIMARY KEY REFERENCES customer (id) ON DELETE CASCADE,
    settings     TEXT NOT NULL -- JSON
) STRICT;

-- Every state of a customer's settings that was saved.
CREATE TABLE customer_version (
    customer_id   BLOB    NOT NULL REFERENCES customer (id) ON DELETE CASCADE,
    number        INTEGER NOT NULL, -- from 1
    settings      TEXT    NOT NULL, -- JSON
    cause         TEXT    NOT NULL,
    cause_number  INTEGER, -- the version that was restored, or the template's
    cause_name    TEXT, -- the template's
    saved_by      TEXT    NOT NULL,
    saved_at      TEXT    NOT NULL,
    PRIMARY KEY (customer_id, number)
) STRICT;

-- Every state of an integration's settings that was saved.
CREATE TABLE integration_version (
    integration_id  BLOB    NOT NULL REFERENCES integration (id) ON DELETE CASCADE,
    number          INTEGER NOT NULL, -- from 1
    settings        TEXT    NOT NULL, -- JSON
    cause           TEXT    NOT NULL,
    cause_number    INTEGER, -- the version that was restored, or the template's
    cause_name      TEXT, -- the template's
    saved_by        TEXT    NOT NULL,
    saved_at        TEXT    NOT NULL,
    PRIMARY KEY (integration_id, number)
) STRICT;

-- A policy that many integrations follow, and every state of it.
CREATE TABLE policy_template (
    id           BLOB    NOT NULL PRIMARY KEY,
    name         TEXT    NOT NULL,
    name_folded  TEXT    NOT NULL,
    version      INTEGER NOT NULL, -- the present one, from 1
    created_at   TEXT    NOT NULL
) STRICT;
CREATE INDEX policy_template_by_name ON policy_template (name_folded, id);

CREATE TABLE policy_template_version (
    template_id   BLOB    NOT NULL REFERENCES policy_template (id) ON DELETE CASCADE,
    number        INTEGER NOT NULL, -- from 1
    settings      TEXT    NOT NULL, -- JSON
    cause         TEXT    NOT NULL,
    cause_number  INTEGER, -- the version that was restored, or the template's
    cause_name    TEXT, -- the template's
    saved_by      TEXT    NOT NULL,
    saved_at      TEXT    NOT NULL,
    PRIMARY KEY (template_id, number)
) STRICT;

-- Which integration follows which template, and the version that reached it.
CREATE TABLE integration_template (
    integration_id  BLOB    NOT NULL PRIMARY KEY REFERENCES integration (id) ON DELETE CASCADE,
    template_id     BLOB    NOT NULL REFERENCES policy_template (id) ON DELETE CASCADE,
    version         INTEGER NOT NULL
) STRICT;
CREATE INDEX integration_template_by_template
    ON integration_template (template_id, version, integration_id);

-- Settings in which an integration may differ from its template.
CREATE TABLE integration_own_setting (
    integration_id  BLOB NOT NULL REFERENCES integration_template (integration_id) ON DELETE CASCADE,
    path            TEXT NOT NULL, -- policy.guard.user.max_count
    accepted_by     TEXT NOT NULL,
    accepted_at     TEXT NOT NULL,
    note            TEXT NOT NULL,
    PRIMARY KEY (integration_id, path)
) STRICT;

-- A settings file that somebody looks at before they confirm it. Of one of these three.
CREATE TABLE settings_draft (
    id              BLOB NOT NULL PRIMARY KEY,
    made_by         BLOB NOT NULL, -- the operator, or the token
    integration_id  BLOB REFERENCES integration (id) ON DELETE CASCADE,
    customer_id     BLOB REFERENCES customer (id) ON DELETE CASCADE,
    template_id     BLOB REFERENCES policy_template (id) ON DELETE CASCADE,
    find_groups     INTEGER NOT NULL, -- whether groups are looked for by their names
    content         TEXT NOT NULL, -- as it was given
    created_at      TEXT NOT NULL
) STRICT;
CREATE INDEX settings_draft_by_maker ON settings_draft (made_by);
CREATE INDEX settings_draft_by_time ON settings_draft (created_at);

-- Other addresses that a user signs in with. Unique among the active people of a customer, which no
-- index can say: store::users sees to it.
CREATE TABLE directory_user_alias (
    user_id         BLOB NOT NULL REFERENCES directory_user (id) ON DELETE CASCADE,
    customer_id     BLOB NOT NULL,
    address         TEXT NOT NULL,
    address_folded  TEXT NOT NULL,
    PRIMARY KEY (user_id, address_folded)
) STRICT;
CREATE INDEX directory_user_alias_by_address ON directory_user_alias (customer_id, address_folded);

-- What an operator keeps of a synced user, whatever its source says.
CREATE TABLE directory_user_kept_attribute (
    user_id  BLOB NOT NULL REFERENCES directory_user (id) ON DELETE CASCADE,
    name     TEXT NOT NULL, -- as in Graph
    value    TEXT, -- none: it stays empty
    kept_by  TEXT NOT NULL,
    kept_at  TEXT NOT NULL,
    note     TEXT NOT NULL,
    PRIMARY KEY (user_id, name)
) STRICT;

-- People of a source who may be here already, until and after that is decided. What they have in
-- common is found anew each time it is shown.
CREATE TABLE user_match (
    integration_id  BLOB    NOT NULL REFERENCES integration (id) ON DELETE CASCADE,
    external_id     BLOB    NOT NULL,
    strength        TEXT    NOT NULL, -- as a run last found it
    user_id         BLOB,             -- the likeliest here; decided: whom `same` means
    found_at        TEXT    NOT NULL,
    taken_back      INTEGER NOT NULL, -- a match was taken back: no rule makes it again
    decision        TEXT,             -- null: it waits for one
    refused         TEXT,             -- JSON array: the users whom `other` was decided about
    decided_by      TEXT,
    decided_at      TEXT,
    note            TEXT    NOT NULL,
    automatic       INTEGER NOT NULL, -- the integration's rule decided
    applied_at      TEXT,             -- `same`: when a run did it
    before_value    TEXT,             -- JSON: the user as it was then, to take it back
    PRIMARY KEY (integration_id, external_id)
) STRICT;
CREATE INDEX user_match_waiting
    ON user_match (integration_id, strength, external_id) WHERE decision IS NULL;
CREATE INDEX user_match_by_user ON user_match (user_id) WHERE user_id IS NOT NULL;

-- People of a file, or members of groups, on their way in once. Their rows as they were given are in
-- import_content, sealed, and go when nothing is needed of them any more.
CREATE TABLE import (
    id                 BLOB NOT NULL PRIMARY KEY,
    customer_id        BLOB NOT NULL REFERENCES customer (id) ON DELETE CASCADE,
    name               TEXT NOT NULL, -- the file's, or the groups'
    source             TEXT NOT NULL,
    status             TEXT NOT NULL,
    made_by            TEXT NOT NULL,
    created_at         TEXT NOT NULL,
    expires_at         TEXT NOT NULL,
    encoding           TEXT, -- none of groups
    columns            TEXT NOT NULL, -- JSON: header, field, example of each
    password           TEXT NOT NULL,
    counts             TEXT, -- JSON, of the dry run; none where it can't be made
    plan               TEXT, -- names the dry run
    run_id             BLOB,
    applied_rows       TEXT, -- all, good
    passwords_total    INTEGER NOT NULL DEFAULT 0,
    passwords_set      INTEGER NOT NULL DEFAULT 0,
    passwords_refused  INTEGER NOT NULL DEFAULT 0,
    passwords_after    INTEGER NOT NULL DEFAULT 0 -- the row that was done last
) STRICT;
CREATE INDEX import_by_customer ON import (customer_id, created_at);
CREATE INDEX import_by_end ON import (expires_at);

CREATE TABLE import_content (
    id            BLOB NOT NULL PRIMARY KEY,
    import_id     BLOB NOT NULL REFERENCES import (id) ON DELETE CASCADE,
    position      INTEGER NOT NULL,
    text_sealed   BLOB NOT NULL -- a part of the text
) STRICT;
CREATE INDEX import_content_by_import ON import_content (import_id, position);

-- What the dry run came to, row by row. No foreign key: it is filled by the hundred thousand.
CREATE TABLE import_row (
    import_id            BLOB NOT NULL,
    number               INTEGER NOT NULL, -- as a spreadsheet counts
    outcome              TEXT NOT NULL,
    display_name         TEXT NOT NULL,
    user_principal_name  TEXT NOT NULL,
    search_text          TEXT NOT NULL,
    user_id              BLOB,
    errors               TEXT, -- JSON list; none where there are none
    before_value         TEXT, -- JSON, of an update
    after_value          TEXT,
    password_refused     TEXT,
    PRIMARY KEY (import_id, number)
) STRICT, WITHOUT ROWID;

-- The columns that an operator chose for a list.
CREATE TABLE operator_columns (
    operator_id  BLOB NOT NULL REFERENCES operator (id) ON DELETE CASCADE,
    list         TEXT NOT NULL, -- users, groups
    columns      TEXT NOT NULL, -- their names, with commas between
    PRIMARY KEY (operator_id, list)
) STRICT, WITHOUT ROWID;

-- A list's filters, order and columns under a name.
CREATE TABLE saved_view (
    id           BLOB NOT NULL PRIMARY KEY,
    list         TEXT NOT NULL,
    name         TEXT NOT NULL,
    name_folded  TEXT NOT NULL,
    query        TEXT NOT NULL, -- of the list's address
    customer_id  BLOB REFERENCES customer (id) ON DELETE CASCADE, -- the one in the query; null: all of the reader's
    shared       INTEGER NOT NULL, -- others see it who look after the customer, or after all
    operator_id  BLOB NOT NULL REFERENCES operator (id) ON DELETE CASCADE, -- who made it
    created_at   TEXT NOT NULL
) STRICT;
CREATE INDEX saved_view_by_operator ON saved_view (operator_id, list);
CREATE INDEX saved_view_shared ON saved_view (list, customer_id) WHERE shared;

-- The view with which a list opens for an operator.
CREATE TABLE saved_view_default (
    operator_id  BLOB NOT NULL REFERENCES operator (id) ON DELETE CASCADE,
    list         TEXT NOT NULL,
    view_id      BLOB NOT NULL REFERENCES saved_view (id) ON DELETE CASCADE,
    PRIMARY KEY (operator_id, list)
) STRICT, WITHOUT ROWID;

-- What somebody does to many users or groups at once: looked at first, then applied.
CREATE TABLE bulk (
    id            BLOB NOT NULL PRIMARY KEY,
    list          TEXT NOT NULL, -- users, groups
    action        TEXT NOT NULL,
    group_id      BLOB, -- of the two actions that name one
    group_name    TEXT,
    note          TEXT NOT NULL,
    made_by       BLOB NOT NULL, -- the operator, or the token
    made_by_name  TEXT NOT NULL,
    address       TEXT, -- where it was applied from, for the audit log
    request_id    TEXT,
    status        TEXT NOT NULL, -- preview, running, done
    created_at    TEXT NOT NULL,
    applied_at    TEXT,
    progress_at   TEXT, -- when it last got on
    ended_at      TEXT
) STRICT;
CREATE INDEX bulk_by_time ON bulk (created_at);

CREATE TABLE bulk_item (
    bulk_id      BLOB NOT NULL REFERENCES bulk (id) ON DELETE CASCADE,
    position     INTEGER NOT NULL, -- by name, from 1
    object_id    BLOB NOT NULL,
    customer_id  BLOB NOT NULL,
    name         TEXT NOT NULL,
    detail       TEXT NOT NULL, -- the user name
    outcome      TEXT NOT NULL, -- would, skipped, done, refused
    words        TEXT NOT NULL, -- what it does, or why it doesn't
    was          TEXT NOT NULL, -- names how it was when it was looked at
    PRIMARY KEY (bulk_id, position)
) STRICT, WITHOUT ROWID;
