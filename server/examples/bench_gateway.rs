//! What the gateway adds to a call, how much it carries, and what an outage costs: against a fast stand-in of a model
//! server, each in a process of its own. JSON lines out.
//!
//! `bench_gateway` measures `mtor` from the same build. `bench_gateway against NAME URL MODEL UPSTREAM` measures another
//! gateway that is running in front of the stand-in at UPSTREAM, with the same load. `bench_gateway upstream` is the stand-in.

#![allow(clippy::disallowed_methods, reason = "a benchmark is a client of the gateway")]
#![allow(clippy::print_stdout, reason = "the result is what is printed")]

use std::{
    convert::Infallible,
    error::Error,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use futures_util::{future::join_all, stream};
use reqwest::Client;
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Calls at one connection.
const CALLS: usize = 2_000;
/// Connections for throughput.
const CONNECTIONS: usize = 16;
/// How long throughput is measured.
const LOAD: Duration = Duration::from_secs(5);
/// Streams at once.
const STREAMS: usize = 1_000;

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["upstream"] => upstream().await,
        ["against", name, url, model, direct] => {
            let client = client()?;
            let direct = Target::new("direct", direct, "m");
            let gateway = Target::new(name, url, model);
            compare(&client, &direct, &gateway, None).await
        }
        [] => ours().await,
        _ => Err("there are: no arguments; upstream; against NAME URL MODEL UPSTREAM".into()),
    }
}

fn client() -> Outcome<Client> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(Client::builder().no_proxy().tcp_nodelay(true).pool_max_idle_per_host(STREAMS).build()?)
}

// The stand-in.

const WHOLE: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hello there."},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":3,"total_tokens":8}}"#;
const PIECE: &str = "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word \"},\"finish_reason\":null}]}\n\n";
const END: &str = "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
/// Pieces of a stream, and the time between them.
const PIECES: (u32, Duration) = (40, Duration::from_millis(100));

/// Answers at once, until it is told to hang.
async fn upstream() -> Outcome<()> {
    let hangs = Arc::new(AtomicBool::new(false));
    let app = Router::new()
        .route("/v1/chat/completions", post(answer))
        .route(
            "/hang",
            post(|State(hangs): State<Arc<AtomicBool>>| async move {
                hangs.store(true, Ordering::Relaxed);
                StatusCode::NO_CONTENT
            }),
        )
        .with_state(hangs);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, app).await?)
}

async fn answer(State(hangs): State<Arc<AtomicBool>>, body: Bytes) -> Response {
    if hangs.load(Ordering::Relaxed) {
        return std::future::pending().await;
    }
    let streamed = body.windows(13).any(|part| part == b"\"stream\":true" || part == b"stream\": true");
    if !streamed {
        return ([(header::CONTENT_TYPE, "application/json")], WHOLE).into_response();
    }
    let pieces = stream::unfold(0, |count| async move {
        let text = match count {
            0 => PIECE,
            count if count < PIECES.0 => {
                tokio::time::sleep(PIECES.1).await;
                PIECE
            }
            count if count == PIECES.0 => END,
            _ => return None,
        };
        Some((Ok::<_, Infallible>(Bytes::from_static(text.as_bytes())), count + 1))
    });
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(pieces)).into_response()
}

// The load.

struct Target {
    name: String,
    url: String,
    whole: String,
    streamed: String,
}

impl Target {
    fn new(name: &str, base: &str, model: &str) -> Self {
        let body = |stream: bool| {
            json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": "Say hello."}]})
                .to_string()
        };
        let url = format!("{}/chat/completions", base.trim_end_matches('/'));
        Self { name: name.to_owned(), url, whole: body(false), streamed: body(true) }
    }

    fn request(&self, client: &Client, body: &str) -> reqwest::RequestBuilder {
        client.post(&self.url).header(header::CONTENT_TYPE, "application/json").body(body.to_owned())
    }

    /// One whole answer, and how long it took.
    async fn call(&self, client: &Client) -> Outcome<Duration> {
        let began = Instant::now();
        let response = self.request(client, &self.whole).send().await?.error_for_status()?;
        let body = response.bytes().await?;
        let took = began.elapsed();
        let answer: Value = serde_json::from_slice(&body)?;
        if answer["choices"][0]["message"]["content"].as_str().is_none_or(str::is_empty) {
            return Err(format!("{} gave no words", self.name).into());
        }
        Ok(took)
    }

    /// How long until the first bytes of a streamed answer, which is read to its end.
    async fn first_byte(&self, client: &Client) -> Outcome<Duration> {
        let began = Instant::now();
        let mut response = self.request(client, &self.streamed).send().await?.error_for_status()?;
        response.chunk().await?.ok_or("an empty stream")?;
        let took = began.elapsed();
        while response.chunk().await?.is_some() {}
        Ok(took)
    }
}

/// Quantiles in milliseconds.
struct Times(Vec<f64>);

impl Times {
    fn of(times: impl IntoIterator<Item = Duration>) -> Self {
        let mut times: Vec<f64> = times.into_iter().map(|time| time.as_secs_f64() * 1e3).collect();
        times.sort_by(f64::total_cmp);
        Self(times)
    }

    fn at(&self, of_100: usize) -> f64 {
        let rank = (self.0.len() * of_100).div_ceil(100).saturating_sub(1);
        self.0.get(rank).copied().unwrap_or(f64::NAN)
    }

    fn print(&self, variant: &str, unit: &str) {
        println!(
            "{}",
            json!({"bench": "gateway", "variant": variant, "median": self.at(50), "p95": self.at(95),
                "p99": self.at(99), "unit": unit, "n": self.0.len()})
        );
    }
}

fn print_one(variant: &str, value: f64, unit: &str) {
    println!(
        "{}",
        json!({"bench": "gateway", "variant": variant, "median": value, "p95": value, "unit": unit, "n": 1})
    );
}

async fn compare(client: &Client, direct: &Target, gateway: &Target, pid: Option<u32>) -> Outcome<()> {
    let name = &gateway.name;
    // Taken in turns, so that what the machine does besides weighs on both.
    let (mut plain, mut through) = (Vec::new(), Vec::new());
    for _ in 0..50 {
        direct.call(client).await?;
        gateway.call(client).await?;
    }
    for _ in 0..CALLS {
        plain.push(direct.call(client).await?);
        through.push(gateway.call(client).await?);
    }
    let (plain, through) = (Times::of(plain), Times::of(through));
    plain.print("direct, 1 connection", "ms");
    through.print(&format!("{name}, 1 connection"), "ms");
    print_one(&format!("{name}, added to the median at 1 connection"), through.at(50) - plain.at(50), "ms");
    for target in [direct, gateway] {
        let began = Instant::now();
        let calls = join_all((0..CONNECTIONS).map(|_| async {
            let mut times = Vec::new();
            while began.elapsed() < LOAD {
                times.push(target.call(client).await?);
            }
            Ok::<_, Box<dyn Error + Send + Sync>>(times)
        }));
        let times: Vec<Vec<Duration>> = calls.await.into_iter().collect::<Outcome<_>>()?;
        let times = Times::of(times.concat());
        let rate = times.0.len() as f64 / began.elapsed().as_secs_f64();
        times.print(&format!("{}, {CONNECTIONS} connections", target.name), "ms");
        print_one(&format!("{}, {CONNECTIONS} connections", target.name), rate, "calls/s");
    }
    if let Some(pid) = pid {
        print_one(&format!("{name}, memory after the calls"), memory(pid)?, "MiB");
    }
    for target in [direct, gateway] {
        let all = join_all((0..STREAMS).map(|_| target.first_byte(client))).await;
        let failed = all.iter().filter(|time| time.is_err()).count();
        let times = Times::of(all.into_iter().filter_map(Result::ok));
        times.print(&format!("{}, first byte of {STREAMS} streams at once", target.name), "ms");
        if failed > 0 {
            print_one(&format!("{}, streams that failed", target.name), failed as f64, "streams");
        }
    }
    if let Some(pid) = pid {
        print_one(&format!("{name}, memory after the streams"), memory(pid)?, "MiB");
    }
    Ok(())
}

/// Resident memory of a process, in MiB.
fn memory(pid: u32) -> Outcome<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1024.0)
}

/// A child process that ends with the benchmark.
struct Running {
    child: Child,
    line: String,
}

impl Running {
    fn start(command: &mut Command) -> Outcome<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        Ok(Self { child, line: line.trim().to_owned() })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn ours() -> Outcome<()> {
    let own = std::env::current_exe()?;
    let stand_in = || Running::start(Command::new(&own).arg("upstream"));
    let (first, second) = (stand_in()?, stand_in()?);
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("mtor.toml");
    let (a, b) = (format!("http://{}/v1", first.line), format!("http://{}/v1", second.line));
    std::fs::write(
        &config,
        format!(
            "[limits]\nconnections = 4096\n[gateway.providers.a]\nbase = \"{a}\"\nlimit = 4096\n\
             [gateway.providers.b]\nbase = \"{b}\"\nlimit = 4096\n\
             [gateway.models.m]\ntargets = [\"a/m\", \"b/m\"]\n"
        ),
    )?;
    let binary = own.parent().and_then(Path::parent).ok_or("no folder")?.join("mtor");
    let mut command = Command::new(&binary);
    command.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(&config).arg("--data");
    command.arg(folder.path().join("data")).env("MTOR_MODELS", folder.path()).env("MTOR_LOG_FILTER", "error");
    let realm = Running::start(&mut command)?;
    let base = realm.line.strip_prefix("MTOR listens on ").ok_or("the realm does not start")?.to_owned();
    let pid = realm.child.id();
    let client = client()?;
    print_one("mtor, memory at the start", memory(pid)?, "MiB");
    let gateway = Target::new("mtor", &format!("{base}/v1"), "m");
    compare(&client, &Target::new("direct", &a, "m"), &gateway, Some(pid)).await?;
    outage(&client, &gateway, &first.line).await
}

/// The primary hangs, with the settings that a realm has when nothing is set.
async fn outage(client: &Client, gateway: &Target, primary: &str) -> Outcome<()> {
    client.post(format!("http://{primary}/hang")).send().await?.error_for_status()?;
    let began = Instant::now();
    let mut rounds = Vec::new();
    let mut lost = 0_u32;
    for (from, to) in [(0, 3), (3, 6)] {
        let calls = join_all((0..CONNECTIONS).map(|_| async {
            let mut times = Vec::new();
            while began.elapsed() < Duration::from_secs(to) {
                times.push(gateway.call(client).await.ok());
            }
            times
        }));
        let times = calls.await.concat();
        lost += u32::try_from(times.iter().filter(|time| time.is_none()).count())?;
        let times = Times::of(times.into_iter().flatten());
        rounds.push((format!("mtor, the primary hangs, seconds {from} to {to}"), times));
    }
    for (variant, times) in rounds {
        times.print(&variant, "ms");
        print_one(&format!("{variant}, slowest"), times.at(100), "ms");
    }
    print_one("mtor, calls lost in the outage", f64::from(lost), "calls");
    Ok(())
}
