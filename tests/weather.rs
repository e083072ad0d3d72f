//! Hard weather: every lesson again and again where machines are slow, small, strange or half shut.
//!
//! A few runs by default. `UDP_LAB_RUNS=2000 cargo test --test main weather:: -- --nocapture` makes that many.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{missing, say, whole_machine, world};

/// Runs at the same time.
const AT_ONCE: usize = 8;

/// What a run may take, under any load.
const LIMIT: Duration = Duration::from_secs(60);

/// A name, and what is written in front of a command so that it runs in it.
type Weather = (&'static str, &'static [&'static str]);

/// No namespace has `net.core.rmem_*` of its own: the library gives every socket the buffer that they would.
const WITH_BUFFERS: &str = r#"ip link set lo up; export UDP_LAB_FAULT=$1; shift; LD_PRELOAD=$WORLD exec "$@""#;

const WEATHERS: &[Weather] = &[
    ("as it is", &["env"]),
    ("nice 19", &["nice", "-n", "19"]),
    ("64 descriptors", &["sh", "-c", r#"ulimit -n 64; exec "$0" "$@""#]),
    ("a strange terminal", &["env", "LC_ALL=tlh_KX.KOI8-R", "TERM=dumb", "COLUMNS=seven", "LANG=", "NO_COLOR=1"]),
    ("nobody's rights", &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]),
    (
        "no IPv6",
        &[
            "unshare",
            "-rn",
            "sh",
            "-c",
            r#"echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; ip link set lo up; exec "$0" "$@""#,
        ],
    ),
    ("no /proc", &["unshare", "-rm", "sh", "-c", r#"mount -t tmpfs none /proc; exec "$0" "$@""#]),
    ("no network", &["unshare", "-rn"]),
    ("small receive buffers", &["unshare", "-rn", "sh", "-c", WITH_BUFFERS, "sh", "small-buffers"]),
    ("large receive buffers", &["unshare", "-rn", "sh", "-c", WITH_BUFFERS, "sh", "large-buffers"]),
];

/// Loopback that hands datagrams over as a network does: not at once, and not always in the order of two senders.
const LOOPBACKS: &[Weather] = &[
    // Only root of the whole machine may say which processors receive.
    (
        "loopback on several processors",
        &[
            "unshare",
            "-nm",
            "sh",
            "-ec",
            r#"ip link set lo up
            mount -t sysfs none /sys
            echo 3 >/sys/class/net/lo/queues/rx-0/rps_cpus
            exec "$0" "$@""#,
        ],
    ),
    // Each datagram waits for the one before it: a hundred bytes take a twentieth of a millisecond. None is lost.
    (
        "slow loopback",
        &[
            "unshare",
            "-rn",
            "sh",
            "-ec",
            r#"ip link set lo up
            tc qdisc add dev lo root handle 1: htb default 1
            tc class add dev lo parent 1: classid 1:1 htb rate 20mbit burst 1 cburst 1 quantum 66000
            tc qdisc add dev lo parent 1:1 pfifo limit 1000000
            exec "$0" "$@""#,
        ],
    ),
];

/// A command that runs, in this weather, what it is given as arguments.
fn run_in((_, front): Weather) -> Command {
    let mut command = Command::new(front[0]);
    command.args(&front[1..]).env("WORLD", world());
    command
}

fn runs() -> usize {
    let asked = std::env::var("UDP_LAB_RUNS").ok().and_then(|count| count.parse().ok());
    asked.unwrap_or(3 * WEATHERS.len())
}

/// The binary, where everybody may read it.
fn binary(name: &str) -> String {
    let folder = std::env::temp_dir().join(format!("udp-lab-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let copy = folder.join("udp-lab");
    // By a program of its own: nothing that another test starts meanwhile may have it open for writing.
    assert!(Command::new("cp").arg(env!("CARGO_BIN_EXE_udp-lab")).arg(&copy).status().unwrap().success());
    copy.to_str().unwrap().to_owned()
}

/// Whether any process is left of the group that `leader` led.
fn is_anybody_left(leader: u32) -> bool {
    let processes =
        fs::read_dir("/proc").unwrap().filter_map(|entry| fs::read_to_string(entry.ok()?.path().join("stat")).ok());
    // Behind the name in brackets: state, parent, group.
    let mut groups =
        processes.filter_map(|stat| stat.rsplit_once(')')?.1.split_whitespace().nth(2)?.parse::<u32>().ok());
    groups.any(|group| group == leader)
}

/// Runs `all` once, and says what is wrong with that, or how long it took.
fn once(binary: &str, weather: Weather) -> Result<Duration, String> {
    let (name, _) = weather;
    let mut command = run_in(weather);
    command.args([binary, "all", "--format", "plain", "--no-picture"]).process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = Instant::now();
    let child = command.spawn().map_err(|error| format!("{name}: {error}"))?;
    let leader = child.id();
    let output = child.wait_with_output().unwrap();
    let took = started.elapsed();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let wrong = |what: &str| Err(format!("{name}: {what}\n{:?}\n{out}\n{err}", output.status));
    if took > LIMIT {
        return wrong("too slow");
    }
    if is_anybody_left(leader) {
        return wrong("a process is left");
    }
    match output.status.code() {
        Some(0) if name != "no network" => {}
        // Something is really missing: then a sentence says what.
        Some(3) if name == "no network" && err.lines().all(|line| line.starts_with("udp-lab: ")) => return Ok(took),
        _ => return wrong("it failed"),
    }
    match out.lines().filter(|line| *line == "verdict: match").count() {
        0 => wrong("nothing was judged"),
        _ => Ok(took),
    }
}

/// Only root can be without threads as somebody else; whoever is not root can be so as they are.
#[test]
fn where_no_thread_can_be_started_a_sentence_says_so() {
    const SCRIPT: &str = r#"
        [ "$(id -u)" = 0 ] && set -- setpriv --reuid=65534 --regid=65534 --clear-groups prlimit --nproc=0 "$@" ||
            set -- prlimit --nproc=0 "$@"
        exec "$@""#;
    let binary = binary("threads");
    let run = Command::new("sh").args(["-c", SCRIPT, "sh", &binary, "boundaries"]).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert_eq!(run.status.code(), Some(3), "{out}{err}");
    assert!(
        err.starts_with("udp-lab: start a thread: ") && err.contains("(`ulimit -u`)") && err.lines().count() == 1,
        "{err}"
    );
    let _ = fs::remove_dir_all(Path::new(&binary).parent().unwrap());
}

fn can_be_made(weather: Weather) -> bool {
    let made = run_in(weather).arg("true").stderr(Stdio::null()).status();
    made.is_ok_and(|status| status.success())
}

/// A loop that is busy in this weather until it is dropped.
struct Busy(Child);

impl Busy {
    fn start(weather: Weather) -> Busy {
        let mut command = run_in(weather);
        command.args(["sh", "-c", "while :; do :; done"]);
        Busy(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs `all` this often in one weather beside busy loops: what went wrong, and the longest that a run took.
fn passed(binary: &str, weather: Weather, count: usize) -> (Vec<String>, Duration) {
    let _busy: Vec<_> =
        (0..thread::available_parallelism().map_or(2, usize::from)).map(|_| Busy::start(weather)).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mine = std::iter::from_fn(|| (next.fetch_add(1, Ordering::Relaxed) < count).then(|| once(binary, weather)));
        mine.collect::<Vec<_>>()
    };
    let results: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(results.len(), count);
    let longest = results.iter().flatten().max().copied().unwrap_or_default();
    (results.into_iter().filter_map(Result::err).collect(), longest)
}

/// Runs `all` in each of these weathers, where it can be made.
fn stands(name: &str, weathers: &[Weather]) {
    let _alone = whole_machine();
    let binary = binary(name);
    for &weather in weathers {
        if !can_be_made(weather) {
            missing(&format!("the weather \"{}\"", weather.0));
            continue;
        }
        let count = runs().div_ceil(WEATHERS.len());
        let (wrong, longest) = passed(&binary, weather, count);
        assert!(wrong.is_empty(), "{} of {count} runs:\n{}", wrong.len(), wrong.join("\n"));
        say(&format!("{}: {count} runs, the longest {longest:.1?}", weather.0));
    }
    let _ = fs::remove_dir_all(Path::new(&binary).parent().unwrap());
}

#[test]
fn no_weather_turns_a_verdict() {
    stands("weather", WEATHERS);
}

#[test]
fn no_loopback_turns_a_verdict() {
    stands("loopback", LOOPBACKS);
}
