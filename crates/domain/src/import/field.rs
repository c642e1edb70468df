//! What a column of a file can be imported as, and by which names it is known.

use crate::text_enum;

text_enum! {
    /// What a column is imported as.
    pub enum ImportField {
        /// The name that one signs in with.
        UserPrincipalName = "user_principal_name",
        /// The name people read.
        DisplayName = "display_name",
        /// First name.
        GivenName = "given_name",
        /// Last name.
        Surname = "surname",
        /// Mail address.
        Mail = "mail",
        /// Other addresses that one signs in with.
        Aliases = "aliases",
        /// Groups made here, by name.
        Groups = "groups",
        /// Whether one administers the customer's workspace.
        Administrator = "administrator",
        /// Whether one is a guest.
        Guest = "guest",
        /// The password.
        Password = "password",
        /// As Graph names it, and so are those that follow.
        EmployeeId = "employeeId",
        /// See above.
        JobTitle = "jobTitle",
        /// See above.
        Department = "department",
        /// See above.
        CompanyName = "companyName",
        /// See above.
        OfficeLocation = "officeLocation",
        /// See above.
        BusinessPhones = "businessPhones",
        /// See above.
        MobilePhone = "mobilePhone",
        /// See above.
        FaxNumber = "faxNumber",
        /// See above.
        OtherMails = "otherMails",
        /// See above.
        StreetAddress = "streetAddress",
        /// See above.
        PostalCode = "postalCode",
        /// See above.
        City = "city",
        /// See above.
        State = "state",
        /// See above.
        Country = "country",
        /// See above.
        PreferredLanguage = "preferredLanguage",
        /// See above.
        UsageLocation = "usageLocation",
    }
}

impl ImportField {
    /// What it is called on pages.
    pub const fn title(self) -> &'static str {
        match self {
            Self::UserPrincipalName => "User name",
            Self::DisplayName => "Display name",
            Self::GivenName => "Given name",
            Self::Surname => "Surname",
            Self::Mail => "Mail",
            Self::Aliases => "Aliases",
            Self::Groups => "Groups",
            Self::Administrator => "Administrator",
            Self::Guest => "Guest",
            Self::Password => "Password",
            Self::EmployeeId => "Employee id",
            Self::JobTitle => "Job title",
            Self::Department => "Department",
            Self::CompanyName => "Company",
            Self::OfficeLocation => "Office",
            Self::BusinessPhones => "Business phones",
            Self::MobilePhone => "Mobile phone",
            Self::FaxNumber => "Fax",
            Self::OtherMails => "Other mail addresses",
            Self::StreetAddress => "Street address",
            Self::PostalCode => "Postal code",
            Self::City => "City",
            Self::State => "State or province",
            Self::Country => "Country",
            Self::PreferredLanguage => "Preferred language",
            Self::UsageLocation => "Usage location",
        }
    }

    /// The attribute's name in Graph, of those that are kept as attributes.
    pub fn attribute(self) -> Option<&'static str> {
        let name = self.as_str();
        crate::made_here::USER_ATTRIBUTES
            .contains(&name)
            .then_some(name)
    }

    /// Whether several columns may be imported as it.
    pub const fn may_repeat(self) -> bool {
        matches!(self, Self::Aliases | Self::Groups)
    }

    /// What a column of this name is imported as: Microsoft's names for exports and templates, and
    /// the usual English and Dutch ones. Blanks, case and signs don't matter.
    pub fn of_header(header: &str) -> Option<Self> {
        let name = plain(header);
        if name.is_empty() {
            return None;
        }
        Self::ALL
            .iter()
            .copied()
            .find(|field| plain(field.as_str()) == name || field.names().contains(&name.as_str()))
    }

    /// Whether a column of this name may hold passwords, whatever it is imported as.
    pub fn may_be_secret(header: &str) -> bool {
        let name = plain(header);
        ["pass", "wachtwoord", "pwd", "secret", "pin", "geheim"]
            .iter()
            .any(|part| name.contains(part))
    }

    /// The names that columns of it have, as [`plain`] leaves them.
    #[expect(clippy::too_many_lines, reason = "a table")]
    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::UserPrincipalName => &[
                "username",
                "upn",
                "userprincipalname",
                "login",
                "loginname",
                "logon",
                "logonname",
                "userlogonname",
                "signinname",
                "signin",
                "userid",
                "account",
                "gebruikersnaam",
                "inlognaam",
                "aanmeldnaam",
                "gebruiker",
            ],
            Self::DisplayName => &[
                "name",
                "fullname",
                "displayname",
                "naam",
                "volledigenaam",
                "weergavenaam",
            ],
            Self::GivenName => &[
                "firstname",
                "givenname",
                "forename",
                "first",
                "voornaam",
                "roepnaam",
            ],
            Self::Surname => &[
                "lastname",
                "surname",
                "familyname",
                "last",
                "sn",
                "achternaam",
                "familienaam",
            ],
            Self::Mail => &[
                "email",
                "emailaddress",
                "mailaddress",
                "primarysmtpaddress",
                "emailadres",
                "mailadres",
                "epost",
                "alternateemailaddress",
            ],
            Self::Aliases => &[
                "alias",
                "proxyaddresses",
                "emailaliases",
                "aliassen",
                "otherlogins",
            ],
            Self::Groups => &[
                "group",
                "memberof",
                "groupmembership",
                "groepen",
                "groep",
                "lidvan",
            ],
            Self::Administrator => &["admin", "isadmin", "isadministrator", "beheerder"],
            Self::Guest => &["isguest", "gast"],
            Self::Password => &[
                "initialpassword",
                "temporarypassword",
                "passwordprofile",
                "pwd",
                "wachtwoord",
            ],
            Self::EmployeeId => &[
                "employeenumber",
                "staffnumber",
                "staffid",
                "personnelnumber",
                "personeelsnummer",
                "medewerkernummer",
                "werknemersnummer",
            ],
            Self::JobTitle => &["title", "position", "role", "functie", "functietitel"],
            Self::Department => &["dept", "afdeling"],
            Self::CompanyName => &[
                "company",
                "organisation",
                "organization",
                "bedrijf",
                "organisatie",
            ],
            Self::OfficeLocation => &[
                "office",
                "physicaldeliveryofficename",
                "location",
                "kantoor",
                "locatie",
            ],
            Self::BusinessPhones => &[
                "phone",
                "phonenumber",
                "telephone",
                "telephonenumber",
                "officephone",
                "businessphone",
                "telefoon",
                "telefoonnummer",
            ],
            Self::MobilePhone => &["mobile", "mobilenumber", "cell", "cellphone", "mobiel"],
            Self::FaxNumber => &["fax", "faxnummer"],
            Self::OtherMails => &["otheremails", "alternateemail", "alternateemails"],
            Self::StreetAddress => &["address", "street", "straat", "adres"],
            Self::PostalCode => &["zip", "zipcode", "postcode", "ziporpostalcode"],
            Self::City => &["town", "plaats", "stad", "woonplaats"],
            Self::State => &["province", "stateorprovince", "region", "provincie"],
            Self::Country => &["countryorregion", "land"],
            Self::PreferredLanguage => &["language", "taal"],
            Self::UsageLocation => &["licenselocation"],
        }
    }
}

/// A header without blanks, signs and case.
fn plain(header: &str) -> String {
    // Microsoft's templates write "User name [userPrincipalName] Required".
    let header = header
        .split_once('[')
        .and_then(|(_, rest)| rest.split_once(']'))
        .map_or(header, |(inner, _)| inner);
    header
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn usual_headers_are_known() {
        for (header, field) in [
            ("User principal name", Some(ImportField::UserPrincipalName)),
            (
                "User name [userPrincipalName] Required",
                Some(ImportField::UserPrincipalName),
            ),
            ("UPN", Some(ImportField::UserPrincipalName)),
            ("Gebruikersnaam", Some(ImportField::UserPrincipalName)),
            ("First name", Some(ImportField::GivenName)),
            ("Voornaam", Some(ImportField::GivenName)),
            ("Achternaam", Some(ImportField::Surname)),
            ("E-mail", Some(ImportField::Mail)),
            ("Weergavenaam", Some(ImportField::DisplayName)),
            ("jobTitle", Some(ImportField::JobTitle)),
            ("Job Title", Some(ImportField::JobTitle)),
            (
                "Initial password [passwordProfile] Required",
                Some(ImportField::Password),
            ),
            ("Shoe size", None),
            ("", None),
            ("[]", None),
        ] {
            assert_eq!(ImportField::of_header(header), field, "{header}");
        }
    }

    #[test]
    fn no_name_means_two_things() {
        let mut all: BTreeMap<String, ImportField> = BTreeMap::new();
        for field in ImportField::ALL {
            for name in field.names() {
                assert_eq!(&plain(name), name);
                let before = all.insert((*name).to_owned(), *field);
                assert!(before.is_none_or(|before| before == *field), "{name}");
            }
            let own = plain(field.as_str());
            assert!(
                all.insert(own, *field)
                    .is_none_or(|before| before == *field)
            );
        }
    }

    #[test]
    fn every_attribute_of_people_made_here_can_be_imported() {
        for name in crate::made_here::USER_ATTRIBUTES {
            let field: ImportField = name.parse().unwrap();
            assert_eq!(field.attribute(), Some(name));
        }
    }

    #[test]
    fn what_may_hold_passwords_is_not_shown() {
        for header in ["Password", "Init. wachtwoord", "PWD2", "PIN"] {
            assert!(ImportField::may_be_secret(header), "{header}");
        }
        assert!(!ImportField::may_be_secret("Surname"));
    }
}
