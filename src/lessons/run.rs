//! How a lesson is run: its scenes one after another, and their rows judged.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::{Lesson, Scene};
use crate::kernel::{self, HERE};
use crate::lab::{Lab, MachineChecks, Observer, SceneError, Session, Watchdog};
use crate::vocabulary::{
    Claim, Event, Expect, Fact, Need, Observation, Outcome, Protocol, Report, Row, SceneReport, Strength, Syscall,
    Verdict, judge,
};

impl Lesson {
    /// Runs `scenes` and judges them; an `observer` is told of each call before it is made. A scene that an error ends
    /// early leaves its open rows skipped, and the next one runs.
    ///
    /// # Errors
    /// Where no datagram at all arrives on loopback; and when a scene does not keep to its own claims, a defect of the
    /// program.
    pub fn run(&self, scenes: Vec<Scene>, observer: Option<Arc<dyn Observer>>) -> Result<Report, SceneError> {
        let session = Arc::new(Session::new(observer));
        let mut reports = Vec::with_capacity(scenes.len());
        let (mut watchdog, mut checks) = (Watchdog::default(), MachineChecks::default());
        for scene in scenes {
            let report = run_scene(scene, &session, &mut watchdog, &mut checks)?;
            if may_be_loopback(&report) {
                checks.check_loopback(&session)?;
            }
            reports.push(report);
        }
        Ok(Report {
            lesson: self.name,
            title: self.title,
            question: self.question,
            scenes: reports,
            keys: self.keys,
            guess: self.guess,
            why: self.why,
            next: self.next(),
            began: session.began(),
        })
    }
}

/// Whether it may be loopback that fails, and not UDP: a row differs, a call failed that no claim speaks of, or rows
/// are open and no datagram arrived, not even an end marker.
fn may_be_loopback(scene: &SceneReport) -> bool {
    let calls = || scene.events.iter().filter(|event| event.protocol == Protocol::Udp).filter_map(Event::call);
    let tried = calls().any(|(call, _)| matches!(call, Syscall::Send { .. }));
    let received = calls().any(|(_, outcome)| matches!(outcome, Outcome::Received(_)));
    let any = |verdict| scene.rows.iter().any(|row| row.verdict == verdict);
    any(Verdict::Differs) || scene.stopped.is_some() || tried && !received && any(Verdict::Skipped)
}

/// Runs one scene and judges it. One of which this system has nothing is not run, nor one of TCP where no connection
/// was made before.
fn run_scene(
    scene: Scene,
    session: &Arc<Session>,
    watchdog: &mut Watchdog,
    checks: &mut MachineChecks,
) -> Result<SceneReport, SceneError> {
    let Scene { number, id, title, sentence, answer, claims, run } = scene;
    let (rows, events, notes) = (Vec::new(), Vec::new(), Vec::new());
    let mut report = SceneReport { number, id, os: HERE, title, answer, sentence, rows, events, notes, stopped: None };
    let without_a_run = |claim| absent(claim).or_else(|| without_tcp(claim, checks));
    if let Some(rows) = claims.iter().map(without_a_run).collect() {
        report.rows = rows;
        return Ok(report);
    }
    let log = session.begin(number, id, &report.title);
    let lab = Lab::new(Arc::clone(&claims), Arc::clone(session), Arc::clone(&log));
    let evidence = lab.evidence();
    let mut ended = watchdog.run(session, move || run(&lab));
    session.over(&log);
    if matches!(ended, Err(SceneError::Hung(_)))
        && claims.iter().any(needs_tcp)
        && let Some(reason) = checks.tcp_missing(session)
    {
        ended = Err(SceneError::Skip(reason));
    }
    report.stopped = stopped(&ended)?;
    let mut doubts = Doubts {
        inconclusive: evidence.inconclusive(),
        closed_ports: LOOPBACKS.into_iter().filter(|loopback| evidence.has_closed_port(*loopback)).collect(),
        needs: claims.iter().flat_map(|claim| claim.needs.iter().copied()).collect(),
        checks,
        session,
    };
    let observations = without_wine(&claims, evidence.close(ended.as_ref().err())?);
    report.rows = claims.iter().zip(&observations).map(|(claim, seen)| doubts.judge(claim, seen)).collect();
    (report.events, report.notes) = log.take();
    Ok(report)
}

/// The row of a claim about something that this system does not have.
fn absent(claim: &Claim) -> Option<Row> {
    match claim.expected.on(HERE) {
        Expect::Absent(reason) => Some(judge(claim, HERE, &Observation::Skipped((*reason).into()))),
        Expect::Is(_) | Expect::Measured | Expect::Unconfirmed(_) => None,
    }
}

/// The row of a claim that needs TCP, where a scene before has shown that no connection is made.
fn without_tcp(claim: &Claim, checks: &MachineChecks) -> Option<Row> {
    let reason = checks.tcp_known_missing().filter(|_| needs_tcp(claim))?;
    Some(judge(claim, HERE, &Observation::Skipped(reason.into())))
}

fn needs_tcp(claim: &Claim) -> bool {
    claim.needs.contains(&Need::Tcp)
}

/// The error that ended a scene early, where one did that no claim speaks of.
///
/// # Errors
/// One after which the lesson cannot go on.
fn stopped(ended: &Result<(), SceneError>) -> Result<Option<String>, SceneError> {
    match ended {
        Ok(()) | Err(SceneError::Skip(_)) => Ok(None),
        Err(error @ (SceneError::Call(_) | SceneError::Hung(_) | SceneError::Endless(_))) => {
            Ok(Some(error.to_string()))
        }
        Err(error @ (SceneError::Defect(_) | SceneError::NoLoopback(_))) => Err(error.clone()),
    }
}

/// The addresses of loopback at which a scene may have a port where nobody listens.
const LOOPBACKS: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// What may make a difference no evidence: what went wrong in the scene, and what this machine lacks.
struct Doubts<'s> {
    /// Why the whole scene is no evidence.
    inconclusive: Option<String>,
    /// Where the scene had a port at which nobody listens: silence there may be that of a firewall.
    closed_ports: Vec<IpAddr>,
    /// What the scene needs of the machine.
    needs: Vec<Need>,
    checks: &'s mut MachineChecks,
    session: &'s Arc<Session>,
}

impl Doubts<'_> {
    /// The row of a claim. Where it differs and something speaks against the evidence, it is skipped instead.
    fn judge(&mut self, claim: &Claim, seen: &Observation) -> Row {
        let row = judge(claim, HERE, seen);
        if row.verdict != Verdict::Differs {
            return row;
        }
        match self.reason_against(claim, seen) {
            Some(reason) => judge(claim, HERE, &Observation::Skipped(reason.into())),
            None => row,
        }
    }

    fn reason_against(&mut self, claim: &Claim, seen: &Observation) -> Option<String> {
        if self.inconclusive.is_some() {
            return self.inconclusive.clone();
        }
        let missing = self.needs.iter().find_map(|need| self.checks.reason_against(*need, self.session));
        // What nobody promises may be missing, and that is the answer.
        let promised = claim.strength == Strength::Specified;
        let missing = missing.or_else(|| promised.then(|| self.datagrams_missing()).flatten());
        if missing.is_some() || *seen != Observation::Seen(Fact::Nothing) {
            return missing;
        }
        let awaits_error = matches!(claim.expected.on(HERE), Expect::Is(Fact::Error(_)));
        let asked = |at: &IpAddr| self.closed_ports.contains(at) || awaits_error && at.is_ipv4();
        LOOPBACKS.into_iter().filter(asked).find_map(|at| self.checks.icmp_missing(at, self.session))
    }

    fn datagrams_missing(&mut self) -> Option<String> {
        let loopback = if self.needs.contains(&Need::Ipv6) { LOOPBACKS[1] } else { LOOPBACKS[0] };
        self.checks.datagrams_missing(loopback, self.session)
    }
}

/// Why a row is skipped under Wine.
pub const UNLIKE_WINE: &str = "this is Wine, which answers otherwise than Windows here";

/// What Wine is known to answer otherwise than Windows is not taken for Windows's answer.
fn without_wine(claims: &[Claim], observations: Vec<Observation>) -> Vec<Observation> {
    if !kernel::under_wine() {
        return observations;
    }
    let judged = claims.iter().zip(observations).map(|(claim, observation)| match claim.unlike_wine {
        true => Observation::Skipped(UNLIKE_WINE.into()),
        false => observation,
    });
    judged.collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::fd::OwnedFd;
    use std::process::Command;

    use super::*;
    use crate::kernel::option::REUSE_ADDRESS;
    use crate::lab::Target;
    use crate::lessons::LESSONS;
    use crate::vocabulary::{sources, specified};

    /// The socket that was bound last receives.
    #[test]
    fn what_another_program_receives_in_its_place_is_no_evidence() {
        let claims = [specified("count", "received", 1, &sources::RFC768)];
        let scene = Scene::builder("shared", "an address that somebody else binds", claims).run(|lab| {
            let (server, client) =
                (lab.bind_shared("server", &REUSE_ADDRESS, Ipv4Addr::LOCALHOST)?, lab.bind("client")?);
            let other = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None).unwrap();
            other.set_reuse_address(true).unwrap();
            other.bind(&server.address().into()).unwrap();
            let mut program = Command::new("sleep").arg("60").stdin(OwnedFd::from(other)).spawn().unwrap();
            client.send_to(b"hello", &server).unwrap();
            let received = server.receive_until_marker(16);
            program.kill().unwrap();
            program.wait().unwrap();
            lab.observe("count", received?.count());
            Ok(())
        });
        let report = LESSONS[0].run(vec![scene], None).unwrap();
        let row = report.rows().next().unwrap();
        let reason = row.reason.as_deref().unwrap_or_default();
        assert_eq!(
            (row.verdict, reason),
            (Verdict::Skipped, "the end marker for server did not arrive: another program has its port")
        );
    }

    #[test]
    fn a_queue_that_ran_full_makes_a_difference_no_evidence_and_nothing_else() {
        let claims = [specified("same", "same", 1, &sources::RFC768), specified("other", "other", 1, &sources::RFC768)];
        let scene = Scene::builder("small", "a small queue", claims).run(|lab| {
            let (server, client) = (lab.bind("server")?, lab.bind("client")?);
            for _ in 0..5000 {
                client.send_to(b"hello", &server)?;
            }
            lab.observe("same", 1);
            lab.observe("other", 2);
            Ok(())
        });
        let report = LESSONS[0].run(vec![scene], None).unwrap();
        let verdicts: Vec<Verdict> = report.rows().map(|row| row.verdict).collect();
        assert_eq!(verdicts, [Verdict::Match, Verdict::Skipped]);
        assert!(report.scenes[0].rows[1].reason.as_deref().is_some_and(|reason| reason.contains("ran full")));
    }
}
