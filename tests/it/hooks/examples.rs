//! The receivers of `examples/hooks/`, each run by its interpreter where there is one, told by the real program.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use kaltura_mirror::domain::clock::{Clock, Timestamp};
use kaltura_mirror::domain::hook::DeliveryId;
use kaltura_mirror::hooks::SigningKeys;

use crate::house::http;
use crate::house::process::{Place, eventually};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEW_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const NEEDED: &str = "<metadata><SyncStatus>Sync Needed</SyncStatus></metadata>";

/// A receiver at work. Ends with the value.
struct Receiver {
    address: SocketAddr,
    child: Child,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/hooks").join(name)
}

/// One that takes port and folder as arguments and says where it listens; nothing when its interpreter is not here.
fn start(interpreter: &str, file: &str, site: &Path) -> Option<Receiver> {
    let mut command = Command::new(interpreter);
    command.arg(example(file)).arg("0").arg(site).env("WEBHOOK_SECRET", SECRET).stdout(Stdio::piped());
    let mut child = present(interpreter, command.spawn())?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening at http://").and_then(|rest| rest.strip_suffix('/'));
    let address = address.unwrap_or_else(|| panic!("{line:?}")).parse().unwrap();
    Some(Receiver { address, child })
}

fn start_php(site: &Path) -> Option<Receiver> {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = Command::new("php");
    command.args(["-S", &address.to_string()]).arg(example("receiver.php"));
    command.env("WEBHOOK_SECRET", SECRET).env("SITE", site).stdout(Stdio::null()).stderr(Stdio::null());
    let child = present("php", command.spawn())?;
    eventually("php listens", || TcpStream::connect(address).ok());
    Some(Receiver { address, child })
}

fn present(interpreter: &str, started: std::io::Result<Child>) -> Option<Child> {
    match started {
        Ok(child) => Some(child),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("skipped: {interpreter} is not on this machine");
            None
        }
        Err(cause) => panic!("{interpreter}: {cause}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_receiver_keeps_what_is_genuine_and_nothing_else() {
    let site = tempfile::tempdir().unwrap();
    if let Some(receiver) = start("python3", "receiver.py", site.path()) {
        prove(&receiver, site.path()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_receiver_keeps_what_is_genuine_and_nothing_else() {
    let site = tempfile::tempdir().unwrap();
    if let Some(receiver) = start("node", "receiver.mjs", site.path()) {
        prove(&receiver, site.path()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_php_receiver_keeps_what_is_genuine_and_nothing_else() {
    let site = tempfile::tempdir().unwrap();
    if let Some(receiver) = start_php(site.path()) {
        prove(&receiver, site.path()).await;
    }
}

/// It knows the old secret while the daemon signs with the new one, too.
async fn prove(receiver: &Receiver, site: &Path) {
    let place = Place::new().await;
    place.write_script(&format!(
        "[[hooks]]\nname = \"site\"\nurl = \"http://{}/\"\nallow_private = true\nsecret = \"{NEW_SECRET}\"\n\
         secret_previous = \"{SECRET}\"\nevents = [\"entry.synced\", \"entry.changed\", \"entry.removed\"]\n",
        receiver.address
    ));
    let serving = place.serve();
    let ran = place.run("hooks test site");
    assert_eq!(ran.code, Some(0), "{ran:?}");

    let id = place.new_video("Tide & time", Some(NEEDED));
    place.deliver(&serving).await;
    let page = site.join("entries").join(format!("{id}.json"));
    let kept = eventually("the site has it", || std::fs::read_to_string(&page).ok());
    let kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
    assert_eq!((&kept["id"], &kept["name"]), (&serde_json::json!(id), &serde_json::json!("Tide & time")));
    assert_eq!(place.run(&format!("entry hide {id}")).code, Some(0));
    eventually("the site has it no more", || (!page.exists()).then_some(()));
    serving.stop();
    forge(receiver, site).await;
}

/// What only looks like a delivery.
async fn forge(receiver: &Receiver, site: &Path) {
    let body = br#"{"type":"entry.synced","data":{"id":"1_forged","entry":{"id":"1_forged"}}}"#;
    let now = Clock::system().now();
    let keys = |secret: &str| SigningKeys::new(secret.parse().unwrap(), None);
    let id = DeliveryId("msg_x_1".to_owned());
    let post = async |at: Timestamp, signature: &str, body: &[u8]| {
        let at = at.as_secs().to_string();
        let headers = [("webhook-id", "msg_x_1"), ("webhook-timestamp", &at), ("webhook-signature", signature)];
        http::request(receiver.address, "POST", "/", &headers, body).await.status
    };
    let good = keys(SECRET).sign(&id, now, body);
    let old = now.minus(std::time::Duration::from_secs(600));
    for (at, signature, body) in [
        (now, keys(NEW_SECRET).sign(&id, now, body), &body[..]),
        (now, String::new(), body),
        (now, "v1,".to_owned(), body),
        (now, good.clone(), &body[1..]),
        (now, format!("v2,{}", &good[3..]), body),
        (old, keys(SECRET).sign(&id, old, body), body),
        (old, good.clone(), body),
    ] {
        assert_eq!(post(at, &signature, body).await, 401, "{at} {signature}");
    }
    let page = site.join("entries/1_forged.json");
    assert!(!page.exists());
    // Two of which one is right; then the same once more, which changes nothing.
    let both = format!("{} {good}", keys(NEW_SECRET).sign(&id, now, body));
    assert_eq!(post(now, &both, body).await, 204);
    std::fs::remove_file(&page).unwrap();
    assert_eq!(post(now, &good, body).await, 204);
    assert!(!page.exists(), "a delivery that came twice is taken once");
    // It is never told to have been kept when it was not.
    std::fs::remove_dir_all(site.join("seen")).unwrap();
    std::fs::remove_dir_all(site.join("entries")).unwrap();
    std::fs::write(site.join("entries"), "in the way").unwrap();
    assert_eq!(post(now, &good, body).await, 500);
}
