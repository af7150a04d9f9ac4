//! A small server of HTTP, one request per connection.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use crate::connect::dial::Stream;

pub struct Request {
    pub method: String,
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Request {
    pub fn form(&self) -> BTreeMap<String, String> {
        url::form_urlencoded::parse(self.body.as_bytes())
            .into_owned()
            .collect()
    }
}

pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

pub fn answer(status: u16, body: impl Into<Vec<u8>>) -> Answer {
    Answer {
        status,
        headers: vec![],
        body: body.into(),
    }
}

pub fn json(status: u16, body: &serde_json::Value) -> Answer {
    Answer {
        status,
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.to_string().into_bytes(),
    }
}

pub fn redirect(to: &str) -> Answer {
    Answer {
        status: 302,
        headers: vec![("location", to.to_owned())],
        body: vec![],
    }
}

/// A listener at 127.0.0.1 that counts its connections; it ends with the runtime of the test.
pub struct Server {
    pub port: u16,
    connections: Arc<AtomicUsize>,
}

impl Server {
    pub async fn start(handler: impl Fn(Request) -> Answer + Send + Sync + 'static) -> Self {
        let handler = Arc::new(handler);
        Self::listen(move |stream| serve(Box::new(stream), handler.clone())).await
    }

    pub async fn start_tls(
        acceptor: TlsAcceptor,
        handler: impl Fn(Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let handler = Arc::new(handler);
        Self::listen(move |stream| {
            let (acceptor, handler) = (acceptor.clone(), handler.clone());
            async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(Box::new(stream), handler).await;
                }
            }
        })
        .await
    }

    /// Accepts and never says a word.
    pub async fn silent() -> Self {
        Self::listen(|stream| async move {
            let _kept = stream;
            std::future::pending::<()>().await;
        })
        .await
    }

    pub async fn listen<F: Future<Output = ()> + Send + 'static>(
        each: impl Fn(tokio::net::TcpStream) -> F + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = connections.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(each(stream));
            }
        });
        Self { port, connections }
    }

    /// What counts them.
    pub fn counter(&self) -> Arc<AtomicUsize> {
        self.connections.clone()
    }

    /// How many have connected, counting those that the listener has not got to yet.
    pub async fn connections(&self) -> usize {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        self.connections.load(Ordering::SeqCst)
    }
}

/// A port where nobody listens.
pub async fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// A certificate for these names, as PEM, and what accepts with it.
pub fn certificate(names: &[&str]) -> (String, TlsAcceptor) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let key = made.signing_key.serialize_der().try_into().unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth();
    let config = config
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    (made.cert.pem(), TlsAcceptor::from(Arc::new(config)))
}

async fn serve(
    mut stream: Box<dyn Stream>,
    handler: Arc<impl Fn(Request) -> Answer + Send + Sync + 'static>,
) {
    let mut bytes = Vec::new();
    let (head, mut body) = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break (
                String::from_utf8(bytes[..end].to_vec()).unwrap(),
                bytes[end + 4..].to_vec(),
            );
        }
        let mut some = [0; 4096];
        match stream.read(&mut some).await {
            Ok(count @ 1..) => bytes.extend_from_slice(&some[..count]),
            _ => return,
        }
    };
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap().split(' ');
    let (method, target) = (first.next().unwrap().to_owned(), first.next().unwrap());
    let headers: BTreeMap<_, _> = lines
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let length: usize = headers
        .get("content-length")
        .map_or(0, |length| length.parse().unwrap());
    while body.len() < length {
        let mut some = [0; 4096];
        let Ok(count @ 1..) = stream.read(&mut some).await else {
            return;
        };
        body.extend_from_slice(&some[..count]);
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query = url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let answer = handler(Request {
        method,
        path: path.to_owned(),
        query,
        headers,
        body: String::from_utf8(body).unwrap(),
    });
    let mut head = format!(
        "HTTP/1.1 {} -\r\ncontent-length: {}\r\n",
        answer.status,
        answer.body.len()
    );
    for (name, value) in &answer.headers {
        head += &format!("{name}: {value}\r\n");
    }
    let _ = stream.write_all(format!("{head}\r\n").as_bytes()).await;
    let _ = stream.write_all(&answer.body).await;
    let _ = stream.shutdown().await;
}
