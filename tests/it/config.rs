//! The configuration as its writer meets it: two files, some variables, and what the program says about them.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use kaltura_mirror::config::{Environment, Files, load};
use serde_json::Value as Json;
use tempfile::TempDir;

const SECRET: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
const OTHER_SECRET: &str = "ffeeddccbbaa99887766554433221100";

/// A folder with both files, good until a test says otherwise.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("session_config.toml", &format!("partner_id = 102\nadmin_secret = \"{SECRET}\"\n"));
        folder.write("script_config.toml", "sync_metadata_profile_id = 93091\n");
        folder
    }

    fn with(session: &str, script: &str) -> Self {
        let folder = Self::new();
        folder.write("session_config.toml", session);
        folder.write("script_config.toml", script);
        folder
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn run(&self, arguments: &str) -> Ran {
        self.run_with(arguments, &[])
    }

    fn run_with(&self, arguments: &str, variables: &[(&str, &str)]) -> Ran {
        self.command(arguments).envs(variables.iter().copied()).output().unwrap().into()
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kaltura-mirror"));
        command.current_dir(self.path()).args(arguments.split_whitespace()).stdin(Stdio::null());
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("KALTURA_MIRROR")) {
            command.env_remove(name);
        }
        command
    }
}

struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Ran {
    /// The value of a key in `config show --json`.
    fn value(&self, key: &str) -> Json {
        self.setting(key)["value"].clone()
    }

    fn setting(&self, key: &str) -> Json {
        assert_eq!(self.code, 0, "{}", self.err);
        let settings: Vec<Json> = serde_json::from_str(&self.out).unwrap();
        settings.into_iter().find(|setting| setting["id"] == key).unwrap_or_else(|| panic!("no {key}"))
    }
}

#[test]
fn the_shipped_files_say_by_name_what_is_to_be_filled_in() {
    let folder = Folder::new();
    for (word, name) in [("session", "session_config.toml"), ("script", "script_config.toml")] {
        let shipped = folder.run(&format!("config show --shipped {word}"));
        assert_eq!(shipped.code, 0);
        folder.write(name, &shipped.out);
    }
    let checked = folder.run("config check");
    assert_eq!(checked.code, 2);
    let lines: Vec<&str> = checked.err.lines().collect();
    assert_eq!(lines.len(), 3, "{}", checked.err);
    assert!(
        lines[0].contains("script_config.toml:") && lines[0].contains("put your metadata profile id"),
        "{}",
        lines[0]
    );
    assert!(lines[1].contains("session_config.toml:") && lines[1].contains("put your partner id"), "{}", lines[1]);
    assert!(lines[2].contains("admin_secret: put your admin secret here"), "{}", lines[2]);
}

#[test]
fn what_a_filter_means_is_told_with_every_bracket_for_each_account() {
    let script = format!("{SCRIPT}[mirror]\nfilter = \"tags = a OR mediaType = video AND NOT duration < 60\"\n");
    let folder = Folder::with(SESSION, &script);
    let means = "(tags is \"a\" or (mediaType is \"video\" and not duration is less than 60))";
    let checked = folder.run("config check");
    assert_eq!(checked.code, 0, "{}", checked.err);
    assert!(
        checked.out.contains(&format!("account 102 mirrors only entries of which this is so: {means}")),
        "{}",
        checked.out
    );
    let told: serde_json::Value = serde_json::from_str(&folder.run("config check --json").out).unwrap();
    let filter = told.as_array().unwrap().iter().find(|finding| finding["level"] == "filter").unwrap();
    assert!(filter["message"].as_str().unwrap().ends_with(means), "{filter}");
}

#[test]
fn two_keys_and_a_profile_are_enough() {
    let checked = Folder::new().run("config check");
    assert_eq!((checked.code, checked.err.as_str()), (0, ""));
    assert!(checked.out.starts_with("the configuration can be used: account 102"), "{}", checked.out);
}

const SESSION: &str = "partner_id = 102\nadmin_secret = \"0f1e2d3c4b5a69788796a5b4c3d2e1f0\"\n";
const SCRIPT: &str = "sync_metadata_profile_id = 93091\n";

/// Appended to the good session file, appended to the good script file, and the beginning and a later part of the line
/// that says so.
const SLIPS: &[(&str, &str, &str, &str)] = &[
    ("", "modee = \"x\"", "script_config.toml:2: modee is unknown", "did you mean mode?"),
    ("", "mode = \"editorail\"", "script_config.toml:2: mode = \"editorail\"", "did you mean \"editorial\"?"),
    ("", "mode = 3", "script_config.toml:2: mode = 3", "must be \"editorial\" or \"continuous\""),
    ("", "when_no_metadata = \"sink\"", "script_config.toml:2: when_no_metadata", "\"skip\" or \"sync\""),
    ("", "mark_new = \"yes\"", "script_config.toml:2: mark_new = \"yes\"", "true or false"),
    ("", "receive = \"pull\"", "script_config.toml:2: receive = \"pull\"", "must be \"push\" or \"poll\" or \"both\""),
    ("", "sync_done_value = \"Sync Needed\"", "script_config.toml:2: sync_done_value", "write another value"),
    ("", "sync_needed_value = \"\"", "script_config.toml:2: sync_needed_value", "must not be empty"),
    ("", "sync_field_name = \"Sync Status\"", "script_config.toml:2: sync_field_name", "system name"),
    ("", "sync_metadata_profile = \"a\"", "script_config.toml:2: sync_metadata_profile and", "remove one"),
    (
        "",
        "content_metadata_profile_id = \"7\"",
        "script_config.toml:2: content_metadata_profile_id = \"7\"",
        "without quotes",
    ),
    ("", "syncFieldName = \"x\"", "script_config.toml:2: syncFieldName is unknown", "sync_field_name"),
    (
        "",
        "admin_secret = \"hunter2hunter2\"",
        "script_config.toml:2: admin_secret is unknown",
        "belongs in session_config.toml",
    ),
    (
        "",
        "sever = 1\n[sync]\nmode = \"editorial\"",
        "script_config.toml:4: sync.mode is unknown",
        "before the first [table]",
    ),
    ("", "[servr]\nlisten = \"127.0.0.1:1\"", "script_config.toml:2: servr is unknown", "did you mean server?"),
    ("", "server = 3", "script_config.toml:2: server = 3", "write [server]"),
    ("", "[server]\nlisten = \"localhost\"", "script_config.toml:3: server.listen = \"localhost\"", "127.0.0.1:8088"),
    ("", "[server]\nbody_max_bytes = \"1MB\"", "script_config.toml:3: server.body_max_bytes = \"1MB\"", "1MiB"),
    ("", "[server]\nbody_max_bytes = 5", "script_config.toml:3: server.body_max_bytes = 5", "\"64KiB\" to \"64MiB\""),
    (
        "",
        "[server]\ntrusted_proxies = [\"10.0.0.0/8\", \"x\"]",
        "script_config.toml:3: server.trusted_proxies",
        "element 2 (\"x\") must be a network",
    ),
    ("", "[server]\nfeed = \"pubic\"", "script_config.toml:3: server.feed = \"pubic\"", "did you mean \"public\"?"),
    ("", "[server]\nfeed = \"key\"", "script_config.toml:2: server.feed_key is missing", "feed_key_file"),
    (
        "",
        "[server]\nfeed = \"key\"\nfeed_key = \"hunter2hunter2\"",
        "script_config.toml:4: server.feed_key",
        "16 characters or more",
    ),
    ("", "[server]\nstreams_max = 0", "script_config.toml:3: server.streams_max = 0", "must be 1 to 10000"),
    ("", "[admin]\nlisten = \"127.0.0.1:8088\"", "script_config.toml:3: admin.listen", "another port"),
    (
        "",
        "[sync]\nresync_interval = 60",
        "script_config.toml:3: sync.resync_interval = 60",
        "must be a duration such as",
    ),
    ("", "[sync]\nworkers = 0", "script_config.toml:3: sync.workers = 0", "must be 1 to 64"),
    ("", "[sync]\nbatch = 500", "script_config.toml:3: sync.batch = 500", "must be 1 to 100"),
    ("", "[sync]\nlease = \"20s\"", "script_config.toml:2: sync.call_timeout", "shorter than lease"),
    ("", "[sync]\ncalls_per_second_max = 0", "script_config.toml:3: sync.calls_per_second_max = 0", "1 or more"),
    ("", "[inbox]\nverified_for = \"91d\"", "script_config.toml:3: inbox.verified_for", "longer than requests_for"),
    ("", "[reconcile]\nfull_at = 03:00:00", "script_config.toml:3: reconcile.full_at = 03:00:00", "\"03:00\""),
    ("", "[thumbnails]\nmode = \"on-demand\"", "script_config.toml:3: thumbnails.mode", "did you mean \"on_demand\"?"),
    (
        "",
        "[thumbnails]\nallowed_hosts = [\"https://x/\"]",
        "script_config.toml:3: thumbnails.allowed_hosts",
        "host name",
    ),
    ("", "[publish]\nfields = [\"nme\"]", "script_config.toml:3: publish.fields", "did you mean \"name\"?"),
    ("", "[mirror]\nfilter = \"type = film\"", "script_config.toml:3: mirror.filter", "character 7: type is media"),
    ("", "[mirror]\nfilter = \"plays > 5\"", "script_config.toml:3: mirror.filter", "no field to filter by"),
    ("", "[mirror]\nfilter = \"tags = \"", "script_config.toml:3: mirror.filter", "remove the key"),
    ("", "[mirror]\nfilter = \"metadata.SyncStatus = x\"", "script_config.toml:3: mirror.filter", "sync field"),
    ("", "[[hooks]]\nname = \"a\"", "script_config.toml:2: hooks[0].url is missing", "or a command"),
    (
        "",
        "[[hooks]]\nname = \"a\"\nurl = \"https://h/\"\nrequired = true\nevents = [\"entry.changed\"]",
        "script_config.toml:5: hooks[0].required",
        "entry.synced",
    ),
    (
        "",
        "[[hooks]]\nname = \"a\"\nurl = \"https://h/\"\nevents = []",
        "script_config.toml:5: hooks[0].events",
        "must name an event",
    ),
    (
        "",
        "[[hooks]]\nname = \"a\"\nurl = \"https://h/\"\nevents = [\"entry.sync\"]",
        "script_config.toml:5: hooks[0].events",
        "did you mean \"entry.synced\"?",
    ),
    (
        "",
        "[[hooks]]\nname = \"a\"\nurl = \"https://h/\"\nsecret = \"hunter2hunter2\"",
        "script_config.toml:5: hooks[0].secret",
        "whsec_",
    ),
    (
        "",
        "[[hooks]]\nname = \"a\"\nurl = \"https://h/\"\nsecret = \"whsec_aHVudGVyMg==\"",
        "script_config.toml:5: hooks[0].secret",
        "24 to 64 bytes",
    ),
    (
        "",
        "[[hooks]]\nname = \"a\"\nurl = \"https://h/\"\nsecret_previous = \"whsec_aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMg==\"",
        "script_config.toml:5: hooks[0].secret_previous",
        "write the new one as secret",
    ),
    (
        "",
        "[[hooks]]\nname = \"a\"\nurl = \"https://h/\"\ntimeout = \"10m\"",
        "script_config.toml:5: hooks[0].timeout = \"10m\"",
        "\"1s\" to \"5m\"",
    ),
    (
        "",
        "[[hooks]]\nname = \"a b\"\nurl = \"https://h/\"",
        "script_config.toml:3: hooks[0].name = \"a b\"",
        "letters, digits",
    ),
    (
        "",
        "[[hooks]]\nname = \"a\"\nurl = \"http://10.0.0.1/\"",
        "script_config.toml:4: hooks[0].url",
        "set allow_private = true",
    ),
    (
        "",
        "[[hooks]]\nname = \"a\"\nurl = \"http://localhost:8088/\"\nallow_private = true",
        "script_config.toml:4: hooks[0].url",
        "listens itself",
    ),
    (
        "",
        "[[hooks]]\nname = \"a\"\ncommand = [\"x\"]\nenv = [\"TOKEN=1\"]",
        "script_config.toml:5: hooks[0].env",
        "names of variables",
    ),
    (
        "",
        "[[hooks]]\nname = \"a\"\nurl = \"https://h/\"\n[[forward]]\nname = \"a\"\nurl = \"https://i/\"",
        "script_config.toml:5: forward: two are named \"a\"",
        "another name",
    ),
    (
        "",
        "[[forward]]\nname = \"a\"\nurl = \"http://127.0.0.1:8088/notifications\"\nallow_private = true",
        "script_config.toml:4: forward[0].url",
        "listens itself",
    ),
    (
        "",
        "[[forward]]\nname = \"a\"\nurl = \"https://h/\"\nurll = 1",
        "script_config.toml:5: forward[0].urll is unknown",
        "did you mean forward[0].url?",
    ),
    ("", "forward = 1", "script_config.toml:2: forward = 1", "write [[forward]]"),
    ("", "mode = editorial", "script_config.toml:2: not TOML", "double quotes"),
    ("service_url = \"www.kaltura.com\"", "", "session_config.toml:3: service_url = \"www.kaltura.com\"", "https://"),
    (
        "service_url = \"https://u:hunter2hunter2@k/\"",
        "",
        "session_config.toml:3: service_url",
        "user name or password",
    ),
    ("service_url = \"https://k/?ks=hunter2hunter2\"", "", "session_config.toml:3: service_url", "before ?"),
    ("service_url = \"https://k/api_v3/\"", "", "session_config.toml:3: service_url", "before /api_v3"),
    ("label = \"a/b\"", "", "session_config.toml:3: label = \"a/b\"", "letters, digits"),
    ("session = \"v3\"", "", "session_config.toml:3: session = \"v3\"", "\"v2\""),
    ("session_lifetime = \"1m\"", "", "session_config.toml:3: session_lifetime = \"1m\"", "must be \"1h\" to \"30d\""),
    ("app_token = \"hunter2hunter2\"", "", "session_config.toml: app_token_id is missing", "write the token's id"),
    ("app_token_id = \"1_a\"", "", "session_config.toml: app_token is missing", "app_token_file"),
    ("minimum_hash_algorithm = \"md5\"", "", "session_config.toml:3: minimum_hash_algorithm = \"md5\"", "sha256"),
    (
        "admin_secret_file = \"x\"",
        "",
        "session_config.toml:3: admin_secret_file and admin_secret are both given",
        "remove one",
    ),
    ("KALTURA_PARTNER_ID = 1", "", "session_config.toml:3: KALTURA_PARTNER_ID is unknown", "did you mean partner_id?"),
    (
        "[[notification_secrets]]\nsecret = \"abc\"",
        "",
        "session_config.toml:3: notification_secrets[0].label is missing",
        "give the secret a name",
    ),
    (
        "[[notification_secrets]]\nlabel = \"a\"",
        "",
        "session_config.toml:3: notification_secrets[0].secret is missing",
        "secret_file",
    ),
    (
        "[[notification_secrets]]\nlabel = \"a\"\nsecret = \"0f1e2d3c4b5a69788796a5b4c3d2e1f0\"",
        "",
        "session_config.toml:3: notification_secrets: 102/a and 102/admin_secret are the same secret",
        "remove one",
    ),
    (
        "[[notification_secrets]]\nlabel = \"a\"\nsecret = \"x\"\n[[notification_secrets]]\nlabel = \"a\"\nsecret = \"y\"",
        "",
        "session_config.toml:3: notification_secrets: two are labelled 102/a",
        "another label",
    ),
    (
        "[[accounts]]\npartner_id = 102\nadmin_secret = \"abc\"",
        "",
        "session_config.toml:4: accounts[0].partner_id = 102 is given twice",
        "remove one",
    ),
    (
        "[[accounts]]\npartner_id = 103\nlabel = \"102\"\nadmin_secret = \"abc\"",
        "",
        "session_config.toml:5: accounts[0].label = \"102\" is another account's too",
        "another name",
    ),
    (
        "[[accounts]]\npartner_id = 103\nadmin_secret = \"0f1e2d3c4b5a69788796a5b4c3d2e1f0\"",
        "",
        "session_config.toml:5: accounts[0].admin_secret: 103/admin_secret and 102/admin_secret are the same secret",
        "write the right one",
    ),
    (
        "notification_path_secret = \"hunter2hunter2/\"",
        "",
        "session_config.toml:3: notification_path_secret: must be 16 to 128",
        "stands in a URL",
    ),
    ("notification_peers = [\"here\"]", "", "session_config.toml:3: notification_peers", "must be a network"),
    (
        "[notification_basic]\nuser = \"a:b\"\npassword = \"hunter2\"",
        "",
        "session_config.toml:4: notification_basic.user = \"a:b\"",
        "colon",
    ),
    (
        "[notification_basic]\nuser = \"a\"",
        "",
        "session_config.toml:3: notification_basic.password is missing",
        "password_file",
    ),
    (
        "[notification_header]\nvalue = \"hunter2\"",
        "",
        "session_config.toml:3: notification_header.name is missing",
        "beside value",
    ),
    (
        "[notification_header]\nname = \"X Token\"\nvalue = \"hunter2\"",
        "",
        "session_config.toml:4: notification_header.name = \"X Token\"",
        "X-Token",
    ),
    ("[[accounts]]\nadmin_secret = \"abc\"", "", "session_config.toml:3: accounts[0].partner_id is missing", "KMC"),
    (
        "[[accounts]]\npartner_id = 103",
        "",
        "session_config.toml:3: accounts[0].admin_secret is missing",
        "admin_secret_file",
    ),
    (
        "[[accounts]]\npartner_id = 103\napp_token_id = \"1_a\"\napp_token = \"hunter2hunter2\"",
        "",
        "session_config.toml:3: accounts[0].admin_secret is missing",
        "receive = \"poll\"",
    ),
    (
        "",
        "[sync]\ncalls_per_second_max = 5\ncalls_per_second_min = 6",
        "script_config.toml:4: sync.calls_per_second_min is more than calls_per_second_max",
        "lower it",
    ),
];

#[test]
fn every_slip_is_refused_with_its_place_its_key_and_the_cure() {
    for (session, script, begins, cure) in SLIPS {
        let folder = Folder::with(&format!("{SESSION}{session}\n"), &format!("{SCRIPT}{script}\n"));
        let checked = folder.run("config check");
        assert_eq!(checked.code, 2, "{session}{script}: {}", checked.out);
        let told = |line: &&str| line.starts_with(&format!("error: {begins}")) && line.contains(cure);
        assert!(checked.err.lines().any(|line| told(&line)), "{session}{script}\nsays\n{}", checked.err);
        for secret in [SECRET, "hunter2"] {
            assert!(!checked.err.contains(secret), "{secret} is told: {}", checked.err);
        }
    }
}

#[test]
fn whoever_takes_sha1_without_saying_so_is_told() {
    let checked = Folder::new().run("config check");
    assert!(checked.out.contains("minimum_hash_algorithm: event notifications signed with SHA-1"), "{}", checked.out);
    for chosen in ["sha1", "sha256", "sha512"] {
        let folder = Folder::with(&format!("{SESSION}minimum_hash_algorithm = \"{chosen}\"\n"), SCRIPT);
        let checked = folder.run("config check");
        assert_eq!((checked.code, checked.out.contains("minimum_hash_algorithm")), (0, false), "{}", checked.out);
    }
}

#[test]
fn further_factors_are_shown_without_what_they_hold() {
    let factors = "notification_path_secret = \"hunter2hunter2hunter2\"\nnotification_peers = [\"10.0.0.0/8\"]\n\
                   [notification_basic]\nuser = \"kaltura\"\npassword_file = \"password\"\n\
                   [notification_header]\nname = \"X-Token\"\nvalue = \"hunter2\"\n";
    let folder = Folder::with(&format!("{SESSION}{factors}"), SCRIPT);
    folder.write("password", "hunter2\n");
    let shown = folder.run("config show --json");
    assert_eq!(shown.value("notification_basic.user"), "kaltura");
    assert_eq!(shown.value("notification_header.name"), "x-token");
    for key in ["notification_path_secret", "notification_basic.password", "notification_header.value"] {
        assert_eq!(shown.value(key), "…", "{key}");
    }
    assert_eq!(shown.setting("notification_basic.password")["source"], "secret file");
    assert!(!shown.out.contains("hunter2"));
    let variable = [("KALTURA_MIRROR__NOTIFICATION_PATH_SECRET", "another-secret-of-16")];
    assert_eq!(
        folder.run_with("config show --json", &variable).setting("notification_path_secret")["source"],
        "environment"
    );
}

#[test]
fn at_most_eight_secrets_may_sign() {
    let named = |count| (0..count).map(|n| format!("[[notification_secrets]]\nlabel = \"s{n}\"\nsecret = \"x{n}\"\n"));
    let check =
        |count| Folder::with(&format!("{SESSION}{}", named(count).collect::<String>()), SCRIPT).run("config check");
    assert_eq!(check(7).code, 0);
    let refused = check(8);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("session_config.toml:3: notification_secrets: 9 secrets may sign"), "{}", refused.err);
}

#[test]
fn what_must_be_there_is_asked_for_with_the_place_to_find_it() {
    let checked = Folder::with("", "").run("config check");
    assert_eq!(checked.code, 2);
    for missing in ["sync_metadata_profile_id is missing", "partner_id is missing", "admin_secret is missing"] {
        let told = checked.err.lines().find(|line| line.contains(missing));
        assert!(told.is_some_and(|line| line.contains("KMC")), "{missing}: {}", checked.err);
    }
}

#[test]
fn a_file_that_is_not_there_is_asked_for_by_its_path_and_its_option() {
    let folder = Folder::new();
    std::fs::remove_file(folder.path().join("script_config.toml")).unwrap();
    let checked = folder.run("config check --session-config nowhere/s.toml");
    assert_eq!(checked.code, 2);
    let lines: Vec<&str> = checked.err.lines().collect();
    assert!(lines[0].contains("nowhere/s.toml") && lines[0].contains("--session-config"), "{}", checked.err);
    assert!(
        lines[1].contains("script_config.toml") && lines[1].contains("config show --shipped script"),
        "{}",
        checked.err
    );
}

#[test]
fn problems_in_json_are_objects_with_an_id_and_the_exit_code_stays() {
    let checked = Folder::with(SESSION, "sync_metadata_profile_id = 1\nmodee = 1\n").run("config check --json");
    assert_eq!(checked.code, 2);
    let findings: Vec<Json> = serde_json::from_str(&checked.out).unwrap();
    assert_eq!(findings.len(), 1);
    assert_eq!((&findings[0]["id"], &findings[0]["level"]), (&"modee".into(), &"error".into()));
    assert_eq!(findings[0]["place"], "script_config.toml:2");
}

#[test]
fn a_variable_stands_above_the_file() {
    let shown = Folder::with(SESSION, "sync_metadata_profile_id = 1\n[server]\nlisten = \"127.0.0.1:1\"\n").run_with(
        "config show --json",
        &[
            ("KALTURA_MIRROR__PARTNER_ID", "7"),
            ("KALTURA_MIRROR__SERVER__LISTEN", "127.0.0.1:0"),
            ("KALTURA_MIRROR__SERVER__TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
            ("KALTURA_MIRROR__PUBLISH__FLAGGED", "true"),
            ("KALTURA_MIRROR__SYNC__LEASE", "10m"),
        ],
    );
    assert_eq!(shown.value("partner_id"), 7);
    assert_eq!(shown.setting("server.listen")["source"], "environment");
    assert_eq!(shown.value("server.listen"), "127.0.0.1:0");
    assert_eq!(shown.value("server.trusted_proxies"), serde_json::json!(["10.0.0.0/8", "::1/128"]));
    assert_eq!(shown.value("publish.flagged"), true);
    assert_eq!(shown.value("sync.lease"), "10m");
}

#[test]
fn a_variable_that_names_no_key_is_refused_with_the_nearest() {
    let cases = [
        ("KALTURA_MIRROR__SERVR__LISTEN", "did you mean KALTURA_MIRROR__SERVER__LISTEN?"),
        ("KALTURA_MIRROR__HOOKS", "set it in the file"),
        ("KALTURA_MIRROR__COLOUR", "unset the variable"),
    ];
    for (name, cure) in cases {
        let checked = Folder::new().run_with("config check", &[(name, "hunter2")]);
        assert_eq!(checked.code, 2);
        assert!(checked.err.contains(name) && checked.err.contains(cure), "{}", checked.err);
        assert!(!checked.err.contains("hunter2"));
    }
}

#[test]
fn variables_alone_are_enough() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let variables = [
        ("KALTURA_MIRROR__PARTNER_ID", "102"),
        ("KALTURA_MIRROR__ADMIN_SECRET", SECRET),
        ("KALTURA_MIRROR__SYNC_METADATA_PROFILE", "apinotifications_sync_data"),
    ];
    let checked = folder.run_with("config check", &variables);
    assert_eq!((checked.code, checked.err.as_str()), (0, ""));
}

#[test]
fn a_secret_can_live_in_a_file_beside_the_one_that_names_it() {
    let folder = Folder::with("", SCRIPT);
    folder.write("etc/session_config.toml", "partner_id = 102\nadmin_secret_file = \"secrets/admin\"\n");
    folder.write("etc/secrets/admin", &format!("{SECRET}\n"));
    let shown = folder.run("--session-config etc/session_config.toml config show --json");
    let setting = shown.setting("admin_secret");
    assert_eq!((&setting["value"], &setting["source"]), (&"…".into(), &"secret file".into()));
    assert!(setting["place"].as_str().unwrap().contains("etc/secrets/admin"), "{setting}");

    let files = Files {
        session: Some(folder.path().join("etc/session_config.toml")),
        script: Some(folder.path().join("script_config.toml")),
    };
    let config = load(&files, &Environment::default()).unwrap();
    let read = || config.accounts[0].signing_secrets().unwrap().remove(0).1.expose().to_owned();
    assert_eq!(read(), SECRET, "the line end does not count");
    folder.write("etc/secrets/admin", OTHER_SECRET);
    assert_eq!(read(), OTHER_SECRET, "a secret file is read again");
}

#[test]
fn a_secret_file_that_cannot_be_used_is_named_with_the_cure() {
    let cases = [
        (None, "cannot be read", "readable"),
        (Some(""), "is empty", "put the secret there"),
        (Some("ab cd"), "has a space", "remove it"),
    ];
    for (text, problem, cure) in cases {
        let folder = Folder::with("partner_id = 102\nadmin_secret_file = \"admin\"\n", SCRIPT);
        if let Some(text) = text {
            folder.write("admin", text);
        }
        let checked = folder.run("config check");
        assert_eq!(checked.code, 2);
        assert!(
            checked.err.starts_with("error: session_config.toml:2: admin_secret_file: secret file "),
            "{}",
            checked.err
        );
        assert!(checked.err.contains(problem) && checked.err.contains(cure), "{}", checked.err);
        assert!(!checked.err.contains("ab cd"));
    }
}

#[test]
fn a_secret_file_named_by_a_variable_stands_above_the_secret_in_the_file() {
    let folder = Folder::new();
    folder.write("elsewhere", OTHER_SECRET);
    let shown = folder.run_with("config show --json", &[("KALTURA_MIRROR__ADMIN_SECRET_FILE", "elsewhere")]);
    assert_eq!(shown.setting("admin_secret")["source"], "secret file");
}

#[test]
fn relative_paths_begin_in_the_folder_of_the_file_that_names_them() {
    let folder = Folder::new();
    folder.write("etc/script_config.toml", "sync_metadata_profile_id = 1\ndata_dir = \"../var\"\n");
    let shown = folder.run("--script-config etc/script_config.toml config show --json");
    assert!(shown.value("data_dir").as_str().unwrap().ends_with("/etc/../var"), "{}", shown.value("data_dir"));

    folder.write("etc/script_config.toml", SCRIPT);
    let shown = folder.run("--script-config etc/script_config.toml config show --json");
    assert!(shown.value("data_dir").as_str().unwrap().ends_with("/etc/data"), "the default too");

    let by_variable = [("KALTURA_MIRROR__DATA_DIR", "var")];
    let shown = folder.run_with("--script-config etc/script_config.toml config show --json", &by_variable);
    let here = folder.path().canonicalize().unwrap().join("var");
    assert_eq!(shown.value("data_dir"), here.to_str().unwrap(), "a variable's begin where the program was started");
}

#[test]
fn no_secret_is_ever_shown() {
    let session = format!(
        "{SESSION}app_token_id = \"1_a\"\napp_token = \"hunter2-token\"\n[[notification_secrets]]\nlabel = \"t\"\nsecret = \"{OTHER_SECRET}\"\n"
    );
    let script = format!(
        "{SCRIPT}[server]\nfeed = \"key\"\nfeed_key = \"hunter2-of-the-feed\"\n\
         [[hooks]]\nname = \"h\"\nurl = \"https://h/\"\nsecret = \"whsec_aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMg==\"\n"
    );
    let folder = Folder::with(&session, &script);
    let in_variable = [("KALTURA_MIRROR__ADMIN_SECRET", "hunter2-in-a-variable")];
    let mut told = String::new();
    for arguments in ["config show", "config show --json", "config check", "config check --json"] {
        for ran in [folder.run(arguments), folder.run_with(arguments, &in_variable)] {
            assert_eq!(ran.code, 0, "{}", ran.err);
            told = told + &ran.out + &ran.err;
        }
    }
    let files = Files {
        session: Some(folder.path().join("session_config.toml")),
        script: Some(folder.path().join("script_config.toml")),
    };
    let environment = Environment::from_iter([("KALTURA_MIRROR__ADMIN_SECRET".into(), "hunter2-in-a-variable".into())]);
    told = format!("{told}{environment:?}{:?}", load(&files, &environment).unwrap());
    for secret in [SECRET, OTHER_SECRET, "hunter2", "aHVudGVyMmh1bnRlcjJo"] {
        assert!(!told.contains(secret), "{secret}");
    }
}

#[test]
fn a_daemon_that_polls_and_does_not_reconcile_is_told_of() {
    let script = format!("{SCRIPT}receive = \"poll\"\n[reconcile]\nenabled = false\n");
    let checked = Folder::with(SESSION, &script).run("config check");
    let told = |line: &str| line.contains(" receive: ") && line.contains("nothing is polled");
    assert!(checked.out.lines().any(told), "{}", checked.out);
}

#[test]
fn keys_that_do_nothing_yet_are_told_and_harmless() {
    let script = format!("{SCRIPT}[retention]\nevents_max = 100\n");
    let checked = Folder::with(SESSION, &script).run("config check");
    assert_eq!(checked.code, 0, "{}", checked.err);
    let told = |line: &str| line.starts_with("note: script_config.toml:") && line.contains(" retention.events_max: ");
    assert!(checked.out.lines().any(told), "{}", checked.out);
}

#[test]
fn a_hook_that_works_but_is_unsafe_is_told_with_what_is_at_risk() {
    let script = format!(
        "{SCRIPT}[[hooks]]\nname = \"h\"\nurl = \"http://h.example/\"\naudience = \"all\"\n\
         [[hooks]]\nname = \"c\"\ncommand = [\"true\"]\nallow_private = true\n"
    );
    let checked = Folder::with(SESSION, &script).run("config check");
    assert_eq!(checked.code, 0, "{}", checked.err);
    for (key, words) in [
        ("hooks[0].secret", "cannot tell them from forgeries"),
        ("hooks[0].audience", "in the clear"),
        ("hooks[1].allow_private", "no effect on a command"),
    ] {
        let told =
            |line: &str| line.starts_with("note: script_config.toml") && line.contains(key) && line.contains(words);
        assert!(checked.out.lines().any(told), "{key}: {}", checked.out);
    }
}

#[test]
fn a_hook_s_program_begins_in_the_folder_of_the_file_unless_it_is_to_be_found_in_the_path() {
    let folder = Folder::new();
    let hooks = "[[hooks]]\nname = \"own\"\ncommand = [\"bin/on-entry\", \"-q\"]\n[[hooks]]\nname = \"found\"\ncommand = [\"true\"]\n";
    folder.write("etc/script_config.toml", &format!("{SCRIPT}{hooks}"));
    let files = Files {
        session: Some(folder.path().join("session_config.toml")),
        script: Some(folder.path().join("etc/script_config.toml")),
    };
    let config = load(&files, &Environment::default()).unwrap();
    let argv = |hook: &kaltura_mirror::config::Hook| match &hook.target {
        kaltura_mirror::config::HookTarget::Command { argv, .. } => argv.clone(),
        other => panic!("{other:?}"),
    };
    let own = folder.path().join("etc/bin/on-entry").display().to_string();
    assert_eq!(argv(&config.hooks[0]), [own.as_str(), "-q"]);
    assert_eq!(argv(&config.hooks[1]), ["true"]);
}

#[test]
fn more_accounts_share_what_they_do_not_say_themselves() {
    let session = "service_url = \"https://k.example\"\n[[accounts]]\npartner_id = 102\nadmin_secret = \"abc\"\n\
                   [[accounts]]\npartner_id = 103\nlabel = \"second\"\nadmin_secret = \"def\"\nsync_metadata_profile = \"own\"\n";
    let folder = Folder::with(session, SCRIPT);
    let files = Files {
        session: Some(folder.path().join("session_config.toml")),
        script: Some(folder.path().join("script_config.toml")),
    };
    let accounts = load(&files, &Environment::default()).unwrap().accounts;
    let told: Vec<String> = accounts
        .iter()
        .map(|account| format!("{} {} {:?}", account.label, account.service_url, account.rules.sync_profile))
        .collect();
    assert_eq!(told[0], "102 https://k.example/ Id(MetadataProfileId(93091))");
    assert_eq!(told[1], "second https://k.example/ Name(\"own\")");
}

#[test]
fn a_reader_that_stops_reading_is_no_failure() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ran: Ran = Folder::new().command("config show").stdout(writer).output().unwrap().into();
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
}

#[test]
fn a_log_filter_that_is_none_is_a_usage_error() {
    let ran = Folder::new().run_with("config check", &[("KALTURA_MIRROR_LOG", "a=b=c")]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.starts_with("error: KALTURA_MIRROR_LOG"), "{}", ran.err);
}
