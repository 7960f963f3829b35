//! Disks that fill and disks that fail (SECURITY.md F2, F3): nothing leaves without an entry, clients are told so at
//! once, and the gateway comes back by itself where that is safe.
//!
//! The full disk is a tmpfs of 64 MiB in a mount namespace of its own. Where mounting is not permitted the scene says so
//! and plays the failing disk instead, so that something is always asserted. The failing disk is a limit on the size of
//! files (`prlimit --fsize`), beyond which every write fails with EFBIG. A failure of `fsync` itself needs strace or
//! device mapper and is not played here; `store/writer.rs` treats it like the failing write of this scene.
#![expect(clippy::print_stdout, reason = "the figures of a run are told with --nocapture")]

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::process::Command;
use tokio::task::JoinSet;

use crate::child::{Child, Line, Place, body, body_sha256, by_body, digest_of, open_permits, outcome_of, text};

/// Posting tools at work at the same time.
const TOOLS: u64 = 4;
/// Posts that are approved before the trouble begins.
const APPROVED: u64 = 800;
/// The approved post that no tool sends: it is sent when the trouble is over, however far the tools came.
const AFTER: u64 = APPROVED - 1;

/// One answer, or none, to one approved post.
#[derive(Clone, Debug)]
struct Told {
    post: u64,
    status: u16,
    code: String,
    after: Duration,
}

/// Tools that send approved posts until they are told to stop, whatever they are answered.
struct Load {
    stop: Arc<AtomicBool>,
    told: Arc<Mutex<Vec<Told>>>,
    tools: JoinSet<()>,
}

impl Load {
    fn start(gateway: &Child) -> Self {
        let (stop, told) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let mut tools = JoinSet::new();
        for first in 0..TOOLS {
            let (stop, told, address) = (Arc::clone(&stop), Arc::clone(&told), gateway.gateway);
            tools.spawn(async move {
                let Ok(mut line) = Line::open(address).await else { return };
                // Posts beyond those that are approved are held; that has an entry too.
                for post in (first..).step_by(TOOLS as usize).filter(|post| *post != AFTER) {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let begun = Instant::now();
                    let Ok(reply) = line.post(body(post)).await else { return };
                    let code = reply.json()["sekisho"].as_str().unwrap_or_default().to_owned();
                    let after = begun.elapsed();
                    told.lock().unwrap().push(Told { post, status: reply.status.as_u16(), code, after });
                }
            });
        }
        Self { stop, told, tools }
    }

    fn count(&self, code: &str) -> usize {
        self.told.lock().unwrap().iter().filter(|told| told.code == code).count()
    }

    async fn end(self) -> Vec<Told> {
        self.stop.store(true, Ordering::Relaxed);
        self.tools.join_all().await;
        self.told.lock().unwrap().clone()
    }
}

async fn approved(place: &Place) -> Child {
    let gateway = place.start().await;
    gateway.approve((0..APPROVED).map(|post| digest_of(text(post), &[]))).await;
    gateway
}

/// What holds however the disk fared: each request has an entry that precedes it, none left twice, and who was told that
/// nothing was sent was told the truth.
fn nothing_left_unrecorded(place: &Place, told: &[Told]) {
    let requests = place.provider.requests();
    assert_eq!(place.witness.violations(&requests, &place.entries()), Vec::<String>::new());
    let arrived = by_body(&requests);
    assert!(arrived.values().all(|same| same.len() == 1), "an approval was used twice");
    for told in told.iter().filter(|told| told.code == "ledger-down") {
        assert!(!arrived.contains_key(body_sha256(told.post).as_str()), "post {} left unrecorded", told.post);
        assert!(told.after < Duration::from_secs(2), "refused only after {:?}", told.after);
    }
}

/// Says that this process runs in a mount namespace of its own.
const INSIDE: &str = "SEKISHO_TEST_SMALL_DISK";

/// A small file system over the town's data; it goes with this, or with the namespace.
struct SmallDisk(PathBuf);

impl SmallDisk {
    async fn over(dir: PathBuf) -> Self {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=64m", "tmpfs"]).arg(&dir);
        assert!(mount.status().await.unwrap().success());
        Self(dir)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Should this fail, the namespace ends with this process all the same.
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Whether a file system may be mounted in a namespace of one's own; the reason why not on standard output.
async fn may_mount() -> bool {
    let dir = tempfile::tempdir().unwrap();
    let mut probe = Command::new("unshare");
    probe.args(["-m", "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(dir.path());
    match probe.output().await {
        Ok(output) if output.status.success() => true,
        Ok(output) => {
            println!("f2: no mount: {}", String::from_utf8_lossy(&output.stderr));
            false
        }
        Err(error) => {
            println!("f2: no unshare: {error}");
            false
        }
    }
}

/// Writes until there is no room for another byte.
fn fill(filler: &mut File) {
    for size in [64 * 1024, 4096, 1] {
        let piece = vec![0; size];
        while filler.write_all(&piece).is_ok() {}
    }
}

/// The disk fills while posts are on their way.
#[tokio::test(flavor = "multi_thread")]
async fn f2_a_full_disk_lets_nothing_leave_and_the_gateway_recovers_by_itself() {
    if std::env::var_os(INSIDE).is_some() {
        return a_disk_fills().await;
    }
    if !may_mount().await {
        println!("f2: played with a limit on the size of files instead of a full disk");
        return a_write_fails().await;
    }
    let this = "disk::f2_a_full_disk_lets_nothing_leave_and_the_gateway_recovers_by_itself";
    let mut again = Command::new("unshare");
    again.arg("-m").arg(std::env::current_exe().unwrap()).args(["--exact", this, "--nocapture"]).env(INSIDE, "1");
    let output = again.kill_on_drop(true).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "vacuous: the scene was not found inside");
}

async fn a_disk_fills() {
    println!("f2: played on a tmpfs of 64 MiB");
    let place = Place::new("").await;
    let disk = SmallDisk::over(place.data()).await;
    let mut gateway = approved(&place).await;
    let load = Load::start(&gateway);
    crate::stage::eventually("a hundred requests arrive", || place.provider.request_count() >= 100).await;

    let path = disk.0.join("filler");
    let mut filler = File::create(&path).unwrap();
    // What the ledger gives back while it still can is taken as well.
    let full = Instant::now();
    while load.count("ledger-down") < 50 {
        assert!(
            full.elapsed() < Duration::from_secs(20),
            "the disk does not fill: {:?}",
            load.told.lock().unwrap().last()
        );
        fill(&mut filler);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let told = load.end().await;
    let permitted_on_full_disk = place.provider.request_count();
    nothing_left_unrecorded(&place, &told);
    // Full, and still full: asked as a program asks, the answer has the stable code and status.
    let mut line = Line::open(gateway.gateway).await.unwrap();
    let problem = [crate::child::tool_headers().as_slice(), &[("accept", "application/problem+json")]].concat();
    let reply = line.send(http::Method::POST, "/x/2/tweets", &problem, body(AFTER)).await.unwrap();
    assert_eq!((reply.status.as_u16(), reply.json()["code"].as_str()), (503, Some("ledger-down")));
    assert_eq!(place.provider.request_count(), permitted_on_full_disk);

    drop(filler);
    std::fs::remove_file(&path).unwrap();
    let freed = Instant::now();
    while line.post(body(AFTER)).await.unwrap().status != 201 {
        assert!(freed.elapsed() < Duration::from_secs(5), "no post passes 5 s after there is room again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!(
        "f2: {} requests at the provider, {} refused, a post passes {:?} after there is room again",
        place.provider.request_count(),
        told.iter().filter(|told| told.code == "ledger-down").count(),
        freed.elapsed(),
    );
    // Outcomes that had no room are written now, without a restart.
    crate::stage::eventually("every outcome is written", || open_permits(&place.entries()).is_empty()).await;
    nothing_left_unrecorded(&place, &told);
    let (code, said) = place.verify().await;
    assert_eq!(code, Some(0), "{said}");
    gateway.terminate();
    let status = gateway.ended(Duration::from_secs(30)).await.expect("it ends within 30 s");
    assert_eq!(status.code(), Some(0), "{}", place.log_end());
    let (code, said) = place.verify().await;
    assert_eq!(code, Some(0), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn f3_after_a_failed_write_nothing_leaves_until_a_restart() {
    a_write_fails().await;
}

/// From one moment on every write beyond the present size of the write-ahead log fails, and not for want of room. What
/// is on such a disk is not known: the gateway stops with 3, and starts again on the same files when the disk is well.
async fn a_write_fails() {
    let mut place = Place::new("").await;
    // Without this the kernel would end the process at the first such write.
    place.before = ["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"].map(str::to_owned).to_vec();
    let mut gateway = approved(&place).await;
    let load = Load::start(&gateway);
    crate::stage::eventually("a hundred requests arrive", || place.provider.request_count() >= 100).await;

    let limit = Command::new("prlimit")
        .args([format!("--pid={}", gateway.id()), "--fsize=4096:4096".to_owned()])
        .status()
        .await
        .expect("prlimit is there");
    assert!(limit.success());
    let status = gateway.ended(Duration::from_secs(30)).await.expect("it ends by itself within 30 s");
    assert_eq!(status.code(), Some(3), "{}", place.log_end());
    let told = load.end().await;
    place.witness.let_go();
    nothing_left_unrecorded(&place, &told);
    let (code, said) = place.verify().await;
    assert_eq!(code, Some(0), "{said}");
    let open = open_permits(&place.entries());

    let seen = place.provider.request_count();
    place.before.clear();
    let gateway = place.start().await;
    assert_eq!(place.provider.request_count(), seen, "a start sends nothing");
    let entries = place.entries();
    for index in &open {
        let outcome = outcome_of(&entries, *index);
        assert_eq!(outcome, Some(("unknown".to_owned(), "restart".to_owned())), "entry {index}");
    }
    let sent: BTreeSet<u64> = told.iter().filter(|told| told.status == 201).map(|told| told.post).collect();
    println!(
        "f3: {seen} requests at the provider, {} answered 201, {} left open and unknown now",
        sent.len(),
        open.len()
    );
    let mut line = Line::open(gateway.gateway).await.unwrap();
    assert_eq!(line.post(body(AFTER)).await.unwrap().status, 201, "it works again");
    assert_eq!(line.post(body(*sent.first().unwrap())).await.unwrap().status, 403, "what was used stays used");
    nothing_left_unrecorded(&place, &told);
    gateway.terminate_and_wait().await;
}
