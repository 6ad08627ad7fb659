//! Looks answered from text that is rendered before: the simulator answers for one entry, and for any other its own ids, times and
//! texts are put in. Whatever else is asked goes to the simulator.
//!
//! So the stand-in, which shares the program's cores, takes little of them.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::outbound;
use kaltura_mirror::simulator::generated::Generated;
use kaltura_mirror::simulator::handle::Simulator;
use kaltura_mirror::simulator::json;
use serde_json::{Value, json};

/// A server before a simulator.
pub struct Rendered {
    address: SocketAddr,
    desk: web::Data<Desk>,
}

struct Desk {
    simulator: String,
    client: reqwest::Client,
    generated: Generated,
    now: i64,
    look: OnceLock<Vec<Part>>,
    looked_at: AtomicUsize,
    requests: AtomicUsize,
}

impl Rendered {
    /// Before this simulator, whose entries are all generated and alike.
    pub fn before(simulator: &Simulator) -> Self {
        let (generated, now) = simulator.read(|account| (account.generated.clone().unwrap(), account.now()));
        let desk = web::Data::new(Desk {
            simulator: simulator.url(),
            client: reqwest::Client::builder()
                .tls_backend_preconfigured(outbound::no_trust().unwrap())
                .no_proxy()
                .build()
                .unwrap(),
            generated,
            now,
            look: OnceLock::new(),
            looked_at: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
        });
        let served = desk.clone();
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async {
                let app = move || App::new().app_data(served.clone()).default_service(web::to(answer));
                let server = HttpServer::new(app).workers(1).bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
                sender.send(server.addrs()[0]).unwrap();
                server.run().await.unwrap();
            });
        });
        Self { address: receiver.recv().unwrap(), desk }
    }

    /// For example `http://127.0.0.1:40511`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Entries that were looked at so far.
    pub fn looked_at(&self) -> usize {
        self.desk.looked_at.load(Ordering::Relaxed)
    }

    /// HTTP requests so far.
    pub fn requests(&self) -> usize {
        self.desk.requests.load(Ordering::Relaxed)
    }
}

async fn answer(http: HttpRequest, body: web::Bytes, desk: web::Data<Desk>) -> HttpResponse {
    desk.requests.fetch_add(1, Ordering::Relaxed);
    let numbers = serde_json::from_slice(&body).ok().and_then(|body| desk.numbers(&body));
    let Some(numbers) = numbers else {
        let (kind, text) = desk.forward(&http, body).await;
        return HttpResponse::Ok().insert_header((CONTENT_TYPE, kind)).body(text);
    };
    if desk.look.get().is_none() {
        let look_at_first = std::str::from_utf8(&body).unwrap().replace(&desk.ids(&numbers), &desk.ids(&[0]));
        let answer: Value = serde_json::from_slice(&desk.forward(&http, look_at_first.into()).await.1).unwrap();
        let values = desk.values(0);
        let parts = answer.as_array().unwrap().iter().map(|one| Part::of(one, &values)).collect();
        let _another_was_first = desk.look.set(parts);
    }
    desk.looked_at.fetch_add(numbers.len(), Ordering::Relaxed);
    let values: Vec<_> = numbers.iter().map(|number| desk.values(*number)).collect();
    let mut text = String::with_capacity(values.len() * 8_192);
    for part in desk.look.get().unwrap() {
        text.push(if text.is_empty() { '[' } else { ',' });
        part.write(&mut text, &values);
    }
    text.push(']');
    HttpResponse::Ok().content_type("application/json").body(text)
}

impl Desk {
    /// The entries of a look, by number; nothing for any other request.
    fn numbers(&self, body: &Value) -> Option<Vec<u64>> {
        let calls = body.as_object()?.values();
        let ids = calls.filter(|call| call["action"] == "getByIds").find_map(|call| call["entryIds"].as_str())?;
        ids.split(',').map(|id| self.generated.number(&id.parse::<EntryId>().ok()?)).collect()
    }

    fn ids(&self, numbers: &[u64]) -> String {
        let ids: Vec<_> = numbers.iter().map(|number| self.generated.id(*number).to_string()).collect();
        ids.join(",")
    }

    /// What one entry of the catalogue has that another has not, always in the same order.
    fn values(&self, number: u64) -> Vec<String> {
        let entry = self.generated.entry(number, self.now);
        let mut values = vec![entry.name, entry.description, entry.tags, entry.id.to_string()];
        values.extend([entry.created_at, entry.updated_at].map(|at| at.to_string()));
        values.extend(self.generated.metadata(number).into_iter().map(|object| object.id.0.to_string()));
        values.extend(self.generated.flavors(number).into_iter().map(|flavor| flavor.id));
        values
    }

    /// What the simulator answers: the type, and the text.
    async fn forward(&self, http: &HttpRequest, body: web::Bytes) -> (Vec<u8>, web::Bytes) {
        let mut asked = self.client.post(format!("{}{}", self.simulator, http.uri())).body(body);
        if let Some(kind) = http.headers().get(CONTENT_TYPE) {
            asked = asked.header(CONTENT_TYPE.as_str(), kind.as_bytes());
        }
        let answer = asked.send().await.unwrap();
        let kind = answer.headers().get(CONTENT_TYPE.as_str()).unwrap().as_bytes().to_vec();
        (kind, answer.bytes().await.unwrap())
    }
}

/// One answer of a look: what is before its objects, the objects of one entry, and what is behind.
struct Part {
    head: Text,
    objects: Vec<Text>,
    tail: Text,
}

const COUNT: &str = "how-many";
const OBJECTS: &str = "objects-of-all";

impl Part {
    fn of(answer: &Value, values: &[String]) -> Self {
        let mut frame = answer.clone();
        let list = if frame.get("objects").is_some() { &mut frame["objects"] } else { &mut frame };
        let objects = match list {
            Value::Array(objects) => std::mem::replace(objects, vec![json!(OBJECTS)]),
            _ => Vec::new(),
        };
        if let Some(count) = frame.get_mut("totalCount") {
            *count = json!(COUNT);
        }
        let holes: Vec<_> = values.iter().cloned().chain([format!("\"{COUNT}\"")]).collect();
        let frame = rendered(&frame);
        let (head, tail) = frame.split_once(&format!("\"{OBJECTS}\"")).unwrap_or((&frame, ""));
        Self {
            head: Text::with_holes(head, &holes),
            objects: objects.iter().map(|object| Text::with_holes(&rendered(object), values)).collect(),
            tail: Text::with_holes(tail, &holes),
        }
    }

    fn write(&self, out: &mut String, entries: &[Vec<String>]) {
        let count = (entries.len() * self.objects.len()).to_string();
        let frame: Vec<_> = entries[0].iter().cloned().chain([count]).collect();
        self.head.write(out, &frame);
        for (at, (values, object)) in
            entries.iter().flat_map(|values| self.objects.iter().map(move |object| (values, object))).enumerate()
        {
            if at > 0 {
                out.push(',');
            }
            object.write(out, values);
        }
        self.tail.write(out, &frame);
    }
}

fn rendered(value: &Value) -> String {
    let mut text = String::new();
    json::write(&mut text, value);
    text
}

/// A text with holes: what is before each, and the number of the value that fills it.
struct Text {
    pieces: Vec<(String, usize)>,
    end: String,
}

impl Text {
    fn with_holes(text: &str, values: &[String]) -> Self {
        let (mut pieces, mut rest) = (Vec::new(), text);
        loop {
            let found = values.iter().enumerate().filter_map(|(hole, value)| Some((rest.find(value)?, hole)));
            let Some((at, hole)) = found.min_by_key(|(at, hole)| (*at, std::cmp::Reverse(values[*hole].len()))) else {
                return Self { pieces, end: rest.to_owned() };
            };
            pieces.push((rest[..at].to_owned(), hole));
            rest = &rest[at + values[hole].len()..];
        }
    }

    fn write(&self, out: &mut String, values: &[String]) {
        for (before, hole) in &self.pieces {
            out.push_str(before);
            out.push_str(&values[*hole]);
        }
        out.push_str(&self.end);
    }
}
