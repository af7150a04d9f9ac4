//! As much of HTTP/1.1 as the servers of this program need: they talk to nobody but the functions
//! that they started.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// The largest line or head that is read.
const MAX_HEAD: u64 = 256 * 1024;

/// The head of a request or of an answer.
#[derive(Clone, Debug)]
pub struct Head {
    /// The first line, without its end.
    pub first: String,
    /// The header lines, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Exactly what came, with the empty line.
    pub raw: Vec<u8>,
}

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// After so many bytes.
    Length(u64),
    /// With an empty chunk.
    Chunked,
}

impl Head {
    /// The next head of the connection; `None` where the other side has closed it.
    pub fn read(from: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut from = from.take(MAX_HEAD);
        let mut raw = Vec::new();
        loop {
            let start = raw.len();
            if from.read_until(b'\n', &mut raw)? == 0 {
                return if start == 0 {
                    Ok(None)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                };
            }
            if raw[start..].trim_ascii().is_empty() {
                break;
            }
        }
        let text = String::from_utf8_lossy(&raw);
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default().to_owned();
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Ok(Some(Self {
            first,
            headers,
            raw,
        }))
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// How the body behind it ends, of a request and of an answer to something else than HEAD.
    pub fn framing(&self) -> Framing {
        if self
            .header("transfer-encoding")
            .is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"))
        {
            return Framing::Chunked;
        }
        Framing::Length(
            self.header("content-length")
                .and_then(|length| length.parse().ok())
                .unwrap_or(0),
        )
    }
}

/// Hands a body on as it is; gives how many bytes of content it had.
pub fn pass_body(
    from: &mut impl BufRead,
    to: &mut impl Write,
    framing: Framing,
) -> io::Result<u64> {
    match framing {
        Framing::Length(length) => pass(from, to, length),
        Framing::Chunked => {
            let mut content = 0;
            loop {
                let line = pass_line(from, to)?;
                let digits = line.split(';').next().unwrap_or_default().trim();
                let size = u64::from_str_radix(digits, 16).map_err(io::Error::other)?;
                if size == 0 {
                    while !pass_line(from, to)?.trim().is_empty() {}
                    return Ok(content);
                }
                content += pass(from, to, size)?;
                pass_line(from, to)?;
            }
        }
    }
}

fn pass(from: &mut impl BufRead, to: &mut impl Write, length: u64) -> io::Result<u64> {
    let passed = io::copy(&mut from.take(length), to)?;
    if passed == length {
        Ok(passed)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

fn pass_line(from: &mut impl BufRead, to: &mut impl Write) -> io::Result<String> {
    let mut line = Vec::new();
    from.take(MAX_HEAD).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    to.write_all(&line)?;
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// The content of a body.
pub fn read_body(from: &mut impl BufRead, framing: Framing) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    match framing {
        Framing::Length(length) => {
            pass(from, &mut body, length)?;
        }
        Framing::Chunked => loop {
            let line = pass_line(from, &mut io::sink())?;
            let digits = line.split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(digits, 16).map_err(io::Error::other)?;
            if size == 0 {
                while !pass_line(from, &mut io::sink())?.trim().is_empty() {}
                break;
            }
            pass(from, &mut body, size)?;
            pass_line(from, &mut io::sink())?;
        },
    }
    Ok(body)
}

/// Writes an answer in one piece.
pub fn answer(
    to: &mut impl Write,
    status: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<()> {
    let mut whole = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        whole.push_str(&format!("{name}: {value}\r\n"));
    }
    whole.push_str("\r\n");
    let mut whole = whole.into_bytes();
    whole.extend_from_slice(body);
    to.write_all(&whole)
}

/// A server on the loopback interface, a thread per connection. Dropping it stops it.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    stopped: Arc<AtomicBool>,
}

impl Server {
    /// Serves every connection by `serve`, until it gives an error or the other side closes.
    ///
    /// # Errors
    /// When there is no port to listen on.
    pub fn start(
        serve: impl Fn(BufReader<TcpStream>, TcpStream) -> io::Result<()> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let stopped = Arc::new(AtomicBool::new(false));
        let (serve, stop) = (Arc::new(serve), Arc::clone(&stopped));
        thread::spawn(move || {
            for connection in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let serve = Arc::clone(&serve);
                // A connection that breaks is the end of the function at its other end, which is
                // noticed there.
                let Ok(connection) = connection else { continue };
                thread::spawn(move || -> io::Result<()> {
                    connection.set_nodelay(true)?;
                    serve(
                        BufReader::with_capacity(64 * 1024, connection.try_clone()?),
                        connection,
                    )
                });
            }
        });
        Ok(Self { address, stopped })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // Wakes the listener; where that fails its thread is left behind, and ends with this
        // program.
        drop(TcpStream::connect(self.address));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunked_body_is_read_and_handed_on() {
        let wire = b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\na: b\r\n\r\nnext";
        let mut from = &wire[..];
        assert_eq!(
            read_body(&mut from, Framing::Chunked).unwrap(),
            b"hello world"
        );
        assert_eq!(from, b"next");
        let (mut from, mut to) = (&wire[..], Vec::new());
        assert_eq!(pass_body(&mut from, &mut to, Framing::Chunked).unwrap(), 11);
        assert_eq!(to, &wire[..wire.len() - 4]);
    }

    #[test]
    fn a_head_says_how_its_body_ends() {
        let mut wire = &b"POST /x HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"[..];
        let head = Head::read(&mut wire).unwrap().unwrap();
        assert_eq!(
            (head.first.as_str(), head.framing()),
            ("POST /x HTTP/1.1", Framing::Length(3))
        );
        assert_eq!(read_body(&mut wire, head.framing()).unwrap(), b"abc");
        assert!(Head::read(&mut wire).unwrap().is_none());
    }
}
