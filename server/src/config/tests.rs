use super::*;

fn environment(variables: &[(&str, &str)]) -> Environment {
    Environment::new(
        variables
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into())),
    )
}

fn load(file: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rollcall.toml");
    std::fs::write(&path, file).unwrap();
    let flags = Flags {
        config: Some(path),
        ..Flags::default()
    };
    Config::load(&flags, &environment(variables)).map_err(|error| {
        let text = error.to_string();
        assert_eq!(text.lines().count(), 1, "{text}");
        text.replace(&folder.path().display().to_string(), "FOLDER")
    })
}

fn refusal(file: &str, variables: &[(&str, &str)]) -> String {
    load(file, variables).expect_err("this configuration has to be refused")
}

#[test]
fn defaults_follow_from_each_other() {
    let config = load(
        "data_dir = \"/srv/rollcall\"\nlisten = \"127.0.0.1:80\"",
        &[],
    )
    .unwrap();
    assert_eq!(config.public_url.as_str(), "http://127.0.0.1/");
    assert_eq!(
        config.database_url.expose_secret(),
        "sqlite:///srv/rollcall/rollcall.db"
    );
    assert_eq!(
        config.master_key_file,
        Path::new("/srv/rollcall/master.key")
    );
    assert_eq!(config.worker_concurrency, 32);
    assert!(!config.is_https());
}

#[test]
fn plain_http_to_other_machines_has_to_be_meant() {
    for (file, part) in [
        (
            "public_url = \"http://rollcall.example.com\"",
            "configuration: public_url: “http://rollcall.example.com” is plain http to another machine",
        ),
        (
            "public_url = \"http://10.0.0.7:3000\"\npublic_url_without_tls = false",
            "write public_url_without_tls = true if that is meant",
        ),
        (
            "listen = \"0.0.0.0:3000\"",
            "public_url: by default, since it listens there, “http://0.0.0.0:3000” is plain http",
        ),
        (
            "listen = \"[::]:3000\"",
            "such as https://rollcall.example.com",
        ),
    ] {
        let text = refusal(file, &[]);
        assert!(text.contains(part), "{text}");
    }
    let meant = [("ROLLCALL_PUBLIC_URL_WITHOUT_TLS", "true")];
    let config = load("public_url = \"http://rollcall.example.com\"", &meant).unwrap();
    assert!(!config.is_https() && config.is_in_the_clear());
    for url in [
        "http://localhost:3000",
        "http://rollcall.localhost:3000",
        "http://127.0.0.1:3000",
        "http://[::1]:3000",
        "https://rollcall.example.com",
    ] {
        let config = load(&format!("public_url = \"{url}\""), &[]).unwrap();
        assert_eq!(config.public_url.as_str(), format!("{url}/"));
        assert!(!config.is_in_the_clear(), "{url}");
    }
    let text = refusal("", &[("ROLLCALL_PUBLIC_URL_WITHOUT_TLS", "yes")]);
    assert!(
        text.contains("public_url_without_tls: “yes” is neither true nor false"),
        "{text}"
    );
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rollcall.toml");
    std::fs::write(
        &path,
        "listen = \"127.0.0.1:1\"\ndata_dir = \"file\"\nworker_concurrency = 3",
    )
    .unwrap();
    let flags = Flags {
        config: Some(path),
        listen: Some("127.0.0.1:3".to_owned()),
        ..Flags::default()
    };
    let variables = [
        ("ROLLCALL_LISTEN", "127.0.0.1:2"),
        ("ROLLCALL_DATA_DIR", "1"),
    ];
    let config = Config::load(&flags, &environment(&variables)).unwrap();
    assert_eq!(config.listen.port(), 3);
    assert_eq!(config.data_dir, Path::new("1"));
    assert_eq!(config.worker_concurrency, 3);
}

#[test]
fn clouds_come_as_tables_or_as_json() {
    let origin = "http://127.0.0.1:4010";
    let sim = Cloud::parse("sim", "sim", origin, origin).unwrap();
    let table = "[[clouds]]\nid = \"sim\"\nauthority = \"http://127.0.0.1:4010\"\ngraph = \"http://127.0.0.1:4010\"";
    assert_eq!(load(table, &[]).unwrap().clouds, std::slice::from_ref(&sim));
    let json = r#"[{"id": "sim", "authority": "http://127.0.0.1:4010", "graph": "http://127.0.0.1:4010"}]"#;
    assert_eq!(
        load("", &[("ROLLCALL_CLOUDS", json)]).unwrap().clouds,
        [sim]
    );
}

#[test]
fn a_confirmation_is_enough_for_some_time() {
    let default = load("", &[]).unwrap().confirm_again_after;
    assert_eq!(default, chrono::Duration::minutes(10));
    let given = [("ROLLCALL_CONFIRM_AGAIN_AFTER_SECONDS", "90")];
    let given = load("", &given).unwrap().confirm_again_after;
    assert_eq!(given, chrono::Duration::seconds(90));
    let refused = refusal("confirm_again_after_seconds = 4", &[]);
    assert!(
        refused.contains("confirm_again_after_seconds: 4 is not between 5 and 86400"),
        "{refused}"
    );
}

#[test]
fn a_list_of_stolen_passwords_is_asked_only_where_one_is_named() {
    assert_eq!(load("", &[]).unwrap().password_breach_url, None);
    let url = "https://api.pwnedpasswords.com/range/";
    let given = load("", &[("ROLLCALL_PASSWORD_BREACH_URL", url)]);
    assert_eq!(given.unwrap().password_breach_url.unwrap().as_str(), url);
    let refused = refusal("password_breach_url = \"http://list.example/\"", &[]);
    assert!(
        refused.starts_with("configuration: password_breach_url: it is neither https nor"),
        "{refused}"
    );
}

#[test]
fn the_audit_log_is_kept_for_some_time() {
    assert_eq!(load("", &[]).unwrap().audit_retention_days, 400);
    let given = [("ROLLCALL_AUDIT_RETENTION_DAYS", "30")];
    assert_eq!(load("", &given).unwrap().audit_retention_days, 30);
    let refused = refusal("audit_retention_days = 29", &[]);
    assert!(
        refused.contains("audit_retention_days: 29 is not between 30 and"),
        "{refused}"
    );
}

#[test]
fn proxies_come_with_commas_or_as_a_list() {
    for (file, variables) in [
        ("trusted_proxies = [\"10.0.0.0/8\", \"::1\"]", &[][..]),
        ("", &[("ROLLCALL_TRUSTED_PROXIES", "10.0.0.0/8, ::1")][..]),
        (
            "",
            &[("ROLLCALL_TRUSTED_PROXIES", r#"["10.0.0.0/8", "::1"]"#)][..],
        ),
    ] {
        let proxies = load(file, variables).unwrap().trusted_proxies;
        assert_eq!(
            proxies,
            [
                "10.0.0.0/8".parse().unwrap(),
                "::1/128".parse::<IpNet>().unwrap()
            ]
        );
    }
}

#[test]
fn hosts_of_webhooks_come_with_commas_or_as_a_list() {
    assert_eq!(load("", &[]).unwrap().webhook_hosts, None);
    let listed = ["hooks.example.com".to_owned(), "*.example.org".to_owned()];
    let listed = WebhookHosts::parse(&listed).unwrap();
    for (file, variables) in [
        (
            "webhook_hosts = [\"hooks.example.com\", \"*.example.org\"]",
            &[][..],
        ),
        (
            "",
            &[("ROLLCALL_WEBHOOK_HOSTS", "hooks.example.com, *.example.org")][..],
        ),
        (
            "",
            &[(
                "ROLLCALL_WEBHOOK_HOSTS",
                r#"["hooks.example.com", "*.example.org"]"#,
            )][..],
        ),
    ] {
        let config = load(file, variables).unwrap();
        assert_eq!(config.webhook_hosts.as_ref(), Some(&listed));
    }
    let none = load("webhook_hosts = []", &[]).unwrap().webhook_hosts;
    assert_eq!(
        none,
        Some(WebhookHosts::parse(&[]).unwrap()),
        "none, and not any"
    );
    let text = refusal("webhook_hosts = [\"https://hooks.example.com/x\"]", &[]);
    assert!(
        text.contains("webhook_hosts: “https://hooks.example.com/x” is not a host"),
        "{text}"
    );
}

#[test]
fn unknown_keys_are_named_with_the_nearest_right_one() {
    let cloud = |key: &str| {
        format!(
            "[[clouds]]\nid = \"sim\"\nauthority = \"https://a.example\"\n{key} = \"https://b.example\""
        )
    };
    for (file, variables, expected) in [
        (
            "lisen = \"127.0.0.1:1\"".to_owned(),
            &[][..],
            "configuration: unknown key “lisen” in FOLDER/rollcall.toml; did you mean “listen”?",
        ),
        (
            String::new(),
            &[("ROLLCALL_DATABSE_URL", "sqlite://x")][..],
            "configuration: unknown key “databse_url” in the environment; did you mean “database_url”?",
        ),
        (
            cloud("grpah"),
            &[][..],
            "configuration: unknown key “clouds.0.grpah” in FOLDER/rollcall.toml; did you mean “graph”?",
        ),
        (
            "zzz = 1".to_owned(),
            &[][..],
            "configuration: unknown key “zzz” in FOLDER/rollcall.toml; the keys are listen, public_url, data_dir, database_url, master_key_file, master_key_command, worker_concurrency, clouds, trusted_proxies, metrics_listen, log_format, smtp, webhooks_to_private_networks, audit_retention_days, oidc_providers, confirm_again_after_seconds, password_breach_url, public_url_without_tls, webhook_hosts",
        ),
    ] {
        assert_eq!(refusal(&file, variables), expected);
    }
}

#[test]
fn values_that_cannot_be_are_refused_with_the_key() {
    for (file, part) in [
        (
            "listen = \"3000\"",
            "listen: “3000” is not an address and port",
        ),
        (
            "public_url = \"example.com\"",
            "public_url: “example.com” is not a URL",
        ),
        (
            "public_url = \"https://a.example/x\"",
            "has more than scheme, host and port",
        ),
        (
            "worker_concurrency = 0",
            "worker_concurrency: 0 is not between 1 and 1024",
        ),
        (
            "worker_concurrency = \"many\"",
            "worker_concurrency: invalid type",
        ),
        (
            "trusted_proxies = [\"10.0.0.0/99\"]",
            "“10.0.0.0/99” is not an address range",
        ),
        ("log_format = \"xml\"", "log_format: unknown variant"),
        (
            "metrics_listen = \"127.0.0.1:3000\"",
            "never served in public",
        ),
        ("listen = ", "FOLDER/rollcall.toml"),
        (
            "[[clouds]]\nid = \"sim\"\nauthority = \"http://login.example\"\ngraph = \"https://b.example\"",
            "clouds: authority of “sim”, http://login.example: http is for loopback addresses only",
        ),
        (
            "[[clouds]]\nid = \"sim\"\nauthority = \"https://a.example\"\ngraph = \"https://b.example/v1.0\"",
            "clouds: graph of “sim”, https://b.example/v1.0: give the origin alone",
        ),
        (
            "[[clouds]]\nid = \"china\"\nauthority = \"https://a.example\"\ngraph = \"https://b.example\"",
            "clouds: the id “china” is used twice",
        ),
        ("[[clouds]]\nid = \"sim\"", "missing field"),
    ] {
        let text = refusal(file, &[]);
        assert!(text.contains(part), "{text}");
    }
    let text = refusal("", &[("ROLLCALL_CLOUDS", "[{id=\"sim\"}]")]);
    assert!(text.contains("clouds: it is not valid JSON"), "{text}");
    let text = refusal(
        "",
        &[("ROLLCALL_DATABASE_URL", "mysql://me:hunter2@host/db")],
    );
    assert!(
        text.contains("database_url") && !text.contains("hunter2"),
        "{text}"
    );
}

const SMTP: &str = "[smtp]\nhost = \"mail.example.com\"\nfrom = \"Rollcall <r@example.com>\"\n";

#[test]
fn a_mail_server_comes_as_a_table_with_what_the_environment_adds() {
    let config = load(SMTP, &[]).unwrap();
    assert_eq!(config.smtp.unwrap().port(), 587);
    let variables = [
        ("ROLLCALL_SMTP_PORT", "2525"),
        ("ROLLCALL_SMTP_USERNAME", "1"),
        ("ROLLCALL_SMTP_PASSWORD", "hunter2"),
        ("ROLLCALL_WEBHOOKS_TO_PRIVATE_NETWORKS", "true"),
    ];
    let config = load(SMTP, &variables).unwrap();
    assert!(config.webhooks_to_private_networks);
    let smtp = config.smtp.unwrap();
    assert_eq!(smtp.port(), 2525);
    assert!(!format!("{smtp:?}").contains("hunter2"), "{smtp:?}");
    let json = r#"{"host": "mail.example.com", "from": "r@example.com", "port": 25}"#;
    let variables = [("ROLLCALL_SMTP", json), ("ROLLCALL_SMTP_SECURITY", "tls")];
    assert_eq!(load("", &variables).unwrap().smtp.unwrap().port(), 25);
    assert!(load("", &[]).unwrap().smtp.is_none());

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "hunter2\n").unwrap();
    let with_file = format!("{SMTP}username = \"me\"\npassword_file = {file:?}");
    assert!(load(&with_file, &[]).unwrap().smtp.is_some());
    std::fs::write(&file, "\n").unwrap();
    assert!(refusal(&with_file, &[]).contains("it is empty"));
}

#[test]
fn a_mail_server_that_cannot_be_is_refused_with_the_key() {
    for (more, part) in [
        (
            "prot = 25",
            "unknown key “smtp.prot” in FOLDER/rollcall.toml; did you mean “port”?",
        ),
        ("port = 70000", "smtp.port: invalid value"),
        (
            "security = \"ssl\"",
            "smtp.security: it is none of starttls, tls, none",
        ),
        (
            "security = \"none\"",
            "smtp.security: none is for this machine itself only",
        ),
        ("username = \"me\"", "smtp.password: it is missing"),
        ("password = \"hunter2\"", "smtp.username: it is missing"),
        (
            "password = \"hunter2\"\npassword_file = \"x\"",
            "smtp.password_file: smtp.password is there too",
        ),
        (
            "password_file = \"/nowhere/x\"",
            "smtp.password_file: /nowhere/x: it can’t be read",
        ),
        (
            "reply_to = \"nobody\"",
            "smtp.reply_to: it is not a mail address",
        ),
    ] {
        let text = refusal(&format!("{SMTP}{more}"), &[]);
        assert!(text.contains(part) && !text.contains("hunter2"), "{text}");
    }
    let text = refusal("[smtp]\nhost = \"mail.example.com\"", &[]);
    assert!(text.contains("from"), "{text}");
    for (name, value, part) in [
        (
            "ROLLCALL_SMTP_PORT",
            "many",
            "smtp.port: it is not a whole number",
        ),
        (
            "ROLLCALL_SMTP_HOTS",
            "x",
            "unknown key “smtp.hots” in the environment; did you mean “host”?",
        ),
        (
            "ROLLCALL_SMTP",
            "mail.example.com",
            "smtp: it is not valid JSON",
        ),
        (
            "ROLLCALL_WEBHOOKS_TO_PRIVATE_NETWORKS",
            "yes",
            "neither true nor false",
        ),
    ] {
        let text = refusal(SMTP, &[(name, value)]);
        assert!(text.contains(part), "{text}");
    }
}

/// A password may stand at a wrong place, and what is refused gets into logs.
#[test]
fn a_value_of_the_mail_server_is_never_repeated() {
    let at = "(in FOLDER/rollcall.toml)";
    for (file, expected) in [
        (
            format!("{SMTP}password = 123456"),
            format!("configuration: smtp.password: invalid type: expected a string {at}"),
        ),
        (
            "smtp = \"smtps://u:123456@host\"".to_owned(),
            format!("configuration: smtp: invalid type: expected a table such as {{ host = \"mail.example.com\", from = \"rollcall@example.com\" }} {at}"),
        ),
        (
            format!("{SMTP}port = 123456"),
            format!("configuration: smtp.port: invalid value: expected a port, 0 to 65535 {at}"),
        ),
        (
            format!("{SMTP}port = \"123456\""),
            format!("configuration: smtp.port: invalid type: expected a port, 0 to 65535 {at}"),
        ),
        (
            "[smtp]\nhost = \"smtps://u:123456@host\"\nfrom = \"r@example.com\"".to_owned(),
            "configuration: smtp.host: it is not a host; give its name alone, such as mail.example.com".to_owned(),
        ),
        (
            format!("{SMTP}security = \"123456\""),
            "configuration: smtp.security: it is none of starttls, tls, none".to_owned(),
        ),
        (
            format!("{SMTP}reply_to = \"123456\""),
            "configuration: smtp.reply_to: it is not a mail address, such as Rollcall <rollcall@example.com>".to_owned(),
        ),
    ] {
        assert_eq!(refusal(&file, &[]), expected);
    }
    // What TOML’s parser shows of the line is left out.
    let text = refusal(&format!("{SMTP}password = s3cret"), &[]);
    assert!(
        text.contains("FOLDER/rollcall.toml: TOML parse error at line 4, column 12")
            && !text.contains("s3cret"),
        "{text}"
    );
    for (variables, part) in [
        (
            &[("ROLLCALL_SMTP", "\"smtps://u:123456@host\"")][..],
            "configuration: smtp: invalid type: expected a table",
        ),
        (
            &[
                ("ROLLCALL_SMTP", "123456"),
                ("ROLLCALL_SMTP_HOST", "mail.example.com"),
            ][..],
            "configuration: smtp: invalid type: expected a table",
        ),
        (
            &[("ROLLCALL_SMTP_PORT", "123456x")][..],
            "configuration: smtp.port: it is not a whole number (in the environment)",
        ),
        (
            &[("ROLLCALL_SMTP", "{123456")][..],
            "configuration: smtp: it is not valid JSON",
        ),
    ] {
        let text = refusal("", variables);
        assert!(text.contains(part) && !text.contains("123456"), "{text}");
    }
}

#[test]
fn a_named_file_has_to_exist() {
    let flags = Flags {
        config: Some(PathBuf::from("/nowhere/rollcall.toml")),
        ..Flags::default()
    };
    let error = Config::load(&flags, &Environment::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "configuration file /nowhere/rollcall.toml: not found; name one that exists with --config"
    );
}

#[test]
fn the_key_may_come_from_a_command_whose_arguments_are_not_repeated() {
    let file = "master_key_command = [\"vault\", \"read\", \"hunter2\"]";
    let config = load(file, &[]).unwrap();
    let command = format!("{:?}", config.master_key_command.unwrap());
    assert!(
        command.contains("vault") && !command.contains("hunter2"),
        "{command}"
    );
    let variable = [("ROLLCALL_MASTER_KEY_COMMAND", "[\"cat\", \"/run/key\"]")];
    assert!(load("", &variable).unwrap().master_key_command.is_some());
    for (file, part) in [
        ("master_key_command = []", "it has no program"),
        ("master_key_command = [\" \"]", "it has no program"),
        ("master_key_command = \"vault hunter2\"", "invalid type"),
    ] {
        let refused = refusal(file, &[]);
        assert!(
            refused.contains("master_key_command")
                && refused.contains(part)
                && !refused.contains("hunter2"),
            "{refused}"
        );
    }
}

const PROVIDER: &str = "[[oidc_providers]]\nid = \"contoso\"\nissuer = \"https://login.example.com\"\nclient_id = \"app\"\n";

#[test]
fn providers_come_as_tables_or_as_json() {
    assert!(load("", &[]).unwrap().oidc_providers.is_empty());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "hunter2\n").unwrap();
    let table = format!(
        "{PROVIDER}client_secret_file = {file:?}\ntitle = \"Contoso\"\nrole_claim = \"groups\"\nscopes = [\"email\"]\nrole_mapping = {{ \"Bosses\" = \"owner\" }}\nrequired_amr = [\"mfa\"]\n{}client_secret = \"x\"",
        PROVIDER.replace("contoso", "fabrikam")
    );
    let config = load(&table, &[]).unwrap();
    let ids: Vec<_> = config
        .oidc_providers
        .iter()
        .map(backend::auth::oidc::ProviderSettings::id)
        .collect();
    assert_eq!(ids, ["contoso", "fabrikam"]);
    assert!(!format!("{config:?}").contains("hunter2"));
    let json =
        r#"[{"id": "a", "issuer": "https://a.example", "client_id": "x", "client_secret": "y"}]"#;
    let config = load("", &[("ROLLCALL_OIDC_PROVIDERS", json)]).unwrap();
    assert_eq!(config.oidc_providers[0].id(), "a");
    std::fs::write(&file, "\n").unwrap();
    let refused = refusal(&format!("{PROVIDER}client_secret_file = {file:?}"), &[]);
    assert!(
        refused.contains("it is empty; put the secret in it"),
        "{refused}"
    );
}

#[test]
fn a_provider_that_cannot_be_is_refused_and_its_secret_not_repeated() {
    for (more, part) in [
        (
            "",
            "oidc_providers: client_secret of “contoso”: it is missing; give it, or client_secret_file",
        ),
        (
            "client_secret = \"hunter2\"\nclient_secret_file = \"x\"",
            "client_secret_file of “contoso”: client_secret is there too",
        ),
        (
            "client_secret_file = \"/nowhere/x\"",
            "client_secret_file of “contoso”: /nowhere/x: it can’t be read",
        ),
        (
            "client_secret = 123456",
            "oidc_providers.0.client_secret: invalid type: expected a string",
        ),
        (
            "client_secert = \"hunter2\"",
            "unknown key “oidc_providers.0.client_secert” in FOLDER/rollcall.toml; did you mean “client_secret”?",
        ),
        (
            "client_secret = \"hunter2\"\nkind = \"azure\"",
            "kind of “contoso”: it is neither entra nor generic",
        ),
        (
            "client_secret = \"hunter2\"\nrole_mapping = { a = \"boss\" }",
            "the role for “a” is none of owner",
        ),
    ] {
        let text = refusal(&format!("{PROVIDER}{more}"), &[]);
        assert!(
            text.contains(part) && !text.contains("hunter2") && !text.contains("123456"),
            "{text}"
        );
    }
    let twice = format!("{PROVIDER}client_secret = \"x\"\n").repeat(2);
    assert!(refusal(&twice, &[]).contains("the id “contoso” is used twice"));
    for (value, part) in [
        ("hunter2", "oidc_providers: it is not valid JSON"),
        (
            "{\"client_secret\": \"hunter2\"}",
            "oidc_providers: invalid type",
        ),
    ] {
        let text = refusal("", &[("ROLLCALL_OIDC_PROVIDERS", value)]);
        assert!(text.contains(part) && !text.contains("hunter2"), "{text}");
    }
}
