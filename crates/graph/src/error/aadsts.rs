//! The codes of Entra's token endpoints: whom they blame, and what to do (graph.md §2.4).

use super::SignInRefusal;

/// Whom or what a code blames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The secret, certificate or assertion.
    Credential,
    /// The application: unknown, not consented to, or disabled.
    Application,
    /// The tenant's name.
    Tenant,
    /// The choice of cloud.
    Cloud,
    /// A policy of the tenant.
    Policy,
    /// The request as this program made it.
    Request,
    /// The service itself: try again.
    Service,
    /// A code that isn't known here.
    Unknown,
}

/// What a code means, for people.
#[derive(Clone, Copy)]
pub(super) struct Meaning {
    pub(super) blame: Blame,
    pub(super) title: &'static str,
    pub(super) fix: &'static str,
}

const NEW_SECRET: &str = "In the Entra admin center open App registrations, the application, \
    Certificates & secrets, create a new client secret and put its Value into the credential \
    profile.";
const CONSENT: &str = "Let an administrator of this tenant open the application's consent link \
    and accept. After that it can take a few minutes until the tenant knows the application.";
const UPLOAD: &str = "In the Entra admin center open App registrations, the application, \
    Certificates & secrets, Certificates, and compare the thumbprints. Upload the certificate of \
    the credential profile there, or put a certificate with its private key into the profile that \
    is listed there and hasn't expired.";
const FEDERATED: &str = "In the Entra admin center open App registrations, the application, \
    Certificates & secrets, Federated credentials, and make issuer, subject and audience equal to \
    the token's, to the letter. A new one takes some minutes to work.";
const TENANT: &str = "Compare the tenant with the Tenant ID or the primary domain on the Overview \
    page of the customer's Entra admin center, and the Azure Cloud with the one the tenant is in.";
const CLOUD: &str = "Choose the Azure Cloud that the tenant is in. An application has to be \
    registered in each cloud separately: use a credential profile whose application is registered \
    in that cloud.";
const REPORT: &str = "This is not a matter of settings. Keep the code and the trace id, and report \
    it to the makers of this program.";
const WAIT: &str = "Nothing needs to be done: it is tried again. If it goes on for more than an \
    hour, look at the Microsoft service health page.";

/// One row of the table.
struct Row {
    numbers: &'static [u32],
    meaning: Meaning,
}

const fn row(numbers: &'static [u32], blame: Blame, title: &'static str, fix: &'static str) -> Row {
    Row {
        numbers,
        meaning: Meaning { blame, title, fix },
    }
}

/// Each row of graph.md §2.4 and the codes of wrong clouds of §1.
const TABLE: &[Row] = &[
    row(
        &[7_000_215],
        Blame::Credential,
        "The client secret is wrong",
        "Make sure that the secret's Value was entered, not its Secret ID. The Value is shown \
             only once: when in doubt create a new client secret in the Entra admin center (App \
             registrations, the application, Certificates & secrets) and put its Value into the \
             credential profile.",
    ),
    row(
        &[7_000_222],
        Blame::Credential,
        "The client secret has expired",
        NEW_SECRET,
    ),
    row(
        &[700_016],
        Blame::Application,
        "The application is unknown in this tenant",
        "Compare the application (client) ID of the credential profile with the one in App \
             registrations, and the tenant with the customer's. If both are right, an \
             administrator of this tenant hasn't consented yet: let them open the application's \
             consent link and accept.",
    ),
    row(
        &[7_000_229],
        Blame::Application,
        "This tenant hasn't consented to the application",
        CONSENT,
    ),
    row(
        &[90_002],
        Blame::Tenant,
        "The tenant doesn't exist in this cloud",
        TENANT,
    ),
    row(
        &[900_023],
        Blame::Tenant,
        "The tenant's name is not valid",
        TENANT,
    ),
    row(
        &[9_001_023, 90_124],
        Blame::Tenant,
        "The tenant's name stands for many tenants",
        "Enter the customer's Tenant ID or one of its verified domains.",
    ),
    row(
        &[700_027],
        Blame::Credential,
        "The certificate is not the application's, or has expired",
        UPLOAD,
    ),
    row(
        &[50_027],
        Blame::Credential,
        "The signed assertion is not valid",
        UPLOAD,
    ),
    row(
        &[700_024],
        Blame::Credential,
        "The signed assertion is outside its time",
        "The clock of this server is wrong. Set it by NTP and try again.",
    ),
    row(
        &[700_021],
        Blame::Credential,
        "The signed assertion is for another application",
        "Compare the application (client) ID of the credential profile with the application \
             that the certificate belongs to.",
    ),
    row(
        &[70_021],
        Blame::Credential,
        "No federated credential matches",
        FEDERATED,
    ),
    row(
        &[700_211],
        Blame::Credential,
        "No federated credential has this issuer",
        FEDERATED,
    ),
    row(
        &[700_212],
        Blame::Credential,
        "No federated credential has this audience",
        FEDERATED,
    ),
    row(
        &[700_213],
        Blame::Credential,
        "No federated credential has this subject",
        FEDERATED,
    ),
    row(
        &[7_002_138],
        Blame::Credential,
        "A federated credential differs in upper and lower case",
        FEDERATED,
    ),
    row(
        &[7_000_112],
        Blame::Application,
        "The application is disabled in this tenant",
        "Let an administrator of this tenant open Enterprise applications, the application, \
             Properties, and set \"Enabled for users to sign-in?\" to Yes.",
    ),
    row(
        &[500_014],
        Blame::Application,
        "Microsoft Graph is disabled in this tenant",
        "Let an administrator of this tenant open Enterprise applications, Microsoft Graph, \
             Properties, and set \"Enabled for users to sign-in?\" to Yes.",
    ),
    row(
        &[500_011],
        Blame::Cloud,
        "Microsoft Graph is not known in this tenant under this address",
        CLOUD,
    ),
    row(
        &[70_011],
        Blame::Cloud,
        "The scope is not valid in this cloud",
        CLOUD,
    ),
    row(
        &[28_000, 700_022],
        Blame::Request,
        "The scope names several resources",
        REPORT,
    ),
    row(
        &[7_000_216, 7_000_218, 70_002],
        Blame::Credential,
        "No usable credential was presented",
        "Put a client secret, or a certificate with its private key, into the credential \
             profile.",
    ),
    row(
        &[900_144],
        Blame::Request,
        "The request lacks a parameter",
        REPORT,
    ),
    row(
        &[53_003],
        Blame::Policy,
        "Conditional Access blocks the application",
        "Let an administrator of this tenant look at Sign-in logs, Service principal \
             sign-ins, for the policy that blocked it, and exclude the application or add the \
             public address of this server to its allowed locations.",
    ),
    row(
        &[90_038, 900_382, 900_432],
        Blame::Cloud,
        "The tenant is in another cloud",
        CLOUD,
    ),
    row(
        &[90_055, 50_196],
        Blame::Service,
        "Entra is throttling sign-ins",
        WAIT,
    ),
    row(
        &[90_006, 90_024, 90_033, 90_090],
        Blame::Service,
        "Entra has a passing failure",
        WAIT,
    ),
];

const PASSING: Meaning = Meaning {
    blame: Blame::Service,
    title: "Entra has a passing failure",
    fix: WAIT,
};
const UNKNOWN: Meaning = Meaning {
    blame: Blame::Unknown,
    title: "Entra refused the sign-in",
    fix: "Look the code up at https://login.microsoftonline.com/error, check the application and \
        the credential profile, and give the trace id to Microsoft's support if that doesn't help.",
};

/// What a refusal means.
pub(super) fn meaning(refusal: &SignInRefusal) -> Meaning {
    let known = refusal
        .number
        .and_then(|number| TABLE.iter().find(|row| row.numbers.contains(&number)));
    let passing = refusal.status >= 500
        || matches!(
            refusal.error.as_str(),
            "temporarily_unavailable" | "server_error"
        );
    match known {
        Some(row) => row.meaning,
        None if passing => PASSING,
        None => UNKNOWN,
    }
}

pub(super) fn blame(refusal: &SignInRefusal) -> Blame {
    meaning(refusal).blame
}

pub(super) fn code(number: u32) -> String {
    format!("AADSTS{number}")
}

/// The number of the code that a description begins with.
pub(super) fn number_in(description: &str) -> Option<u32> {
    let rest = description.strip_prefix("AADSTS")?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    rest[..digits].parse().ok()
}

/// A description without the code before it and the ids after it, which follow a line break in
/// older answers and a space in newer ones.
pub(super) fn words_of(description: &str) -> &str {
    let words = match description.split_once(": ") {
        Some((code, rest)) if code.starts_with("AADSTS") => rest,
        _ => description,
    };
    words.split("Trace ID:").next().unwrap_or(words).trim()
}
