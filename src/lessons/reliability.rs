//! What a program adds to UDP so that nothing is missing, nothing is there twice, and everything comes in order.
//!
//! A relay plays the bad network: what it loses, doubles and reorders follows from a seed, and is known before it
//! happens. The program numbers its messages, acknowledges them, sends again after a time-out, and asks a silent peer
//! whether it is there.

use std::time::Duration;

use clap::Args;

use super::{Lesson, Parameters, Scene, Scenes};
use crate::arguments;
use crate::experiments::{
    Channel, FIRST_TIME_OUT, LossyRelay, Script, Transfer, number_behind, planned_transfer, transfer,
};
use crate::kernel::option::RECEIVE_TIMEOUT;
use crate::lab::{Lab, ReceiveResult, Target, receive_buffer_for};
use crate::vocabulary::{
    Claim, Fact, Guess, Need, Os, RelayDirection, Share, Source, counted, right, sources, specified, typical, wrong,
};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    name: "reliability",
    title: "Numbers, acknowledgements and time-outs make UDP reliable; the program adds them",
    question: "The network loses, doubles and reorders. What must a program add?",
    why: "UDP retransmits nothing, and may deliver copies and out of order: a program that needs more has to implement \
          it (RFC 8085 section 3.3). An acknowledgement tells the sender what has arrived; where none comes in time, \
          it sends again, and doubles the time-out each time (RFC 6298 section 5). It cannot know whether the message \
          or the acknowledgement was lost, so a number lets the receiver recognise a duplicate. In a round the sender \
          sends and waits: one message, or several in a window. UDP says nothing of a peer that is gone (RFC 768).",
    keys: &["time-outs", "delivered", "rounds", "window-rounds", "gone"],
    guess: Guess {
        answers: &[
            wrong("Nothing: the system sends again what is lost.", "missing"),
            wrong("An acknowledgement: whoever receives none sends again.", "copies"),
            right("A number, an acknowledgement and a time-out.", "delivered"),
            wrong("A number: the receiver then puts the messages in order.", "missing"),
        ],
        because: "a lost acknowledgement makes the sender repeat: only the number keeps the server from doing it \
                  twice.",
    },
    example: "--seed 7 --messages 8",
    parameters: Parameters::of::<Reliability>(),
    page: include_str!("../../demos/reliability.md"),
    python: include_str!("../../demos/reliability.py"),
};

/// Most messages: each is sent up to five times, and each time-out is waited for.
const MOST_MESSAGES: usize = 20;

/// How many the relay loses by default.
const LOSS: &str = "30%";

/// Longest datagram of the lesson, in bytes.
const BUFFER: usize = 64;

/// Messages that may be under way at the same time in the window.
const WINDOW: usize = 3;

#[derive(Args, Clone, Copy)]
struct Reliability {
    /// Messages to send, 1 to 20
    #[arg(long, value_name = "N", default_value = "5",
        value_parser = arguments::number(1..=MOST_MESSAGES, "messages",
            "each may be sent five times, and a class does not want to wait"))]
    messages: usize,

    /// Seed of the random decisions: the same seed repeats them, also in `udp-lab relay`
    #[arg(long, value_name = "N", default_value = "63")]
    seed: u64,

    /// Share of datagrams to lose in each direction in scenes 1, 3 and 4, such as 30% or 0.3
    #[arg(long, value_name = "SHARE", default_value = LOSS)]
    lose: Share,

    /// Share of datagrams to send twice in scene 1
    #[arg(long, value_name = "SHARE", default_value = "20%")]
    duplicate: Share,

    /// Share of datagrams to hold back in scene 1 until the next one has passed
    #[arg(long, value_name = "SHARE", default_value = "20%")]
    reorder: Share,
}

impl Scenes for Reliability {
    fn scenes(self) -> Result<Vec<Scene>, String> {
        let Reliability { messages, seed, lose, .. } = self;
        let losses = Script::Seed { seed, lose, duplicate: Share::NONE, reorder: Share::NONE };
        // Whoever asks for another share is to know where it is not used.
        let fixed = if lose.to_string() == LOSS { "" } else { " (lost by plan: --lose is not used)" };
        Ok(vec![
            numbers(self),
            one_message(fixed),
            one_at_a_time(losses, messages),
            window(losses, messages),
            heartbeat(fixed),
        ])
    }
}

/// `1 2 3`; nothing where there are none.
fn in_order(numbers: &[usize]) -> Fact {
    Fact::list(numbers, " ")
}

/// `1, 2, 3`; nothing where there are none.
fn list(numbers: &[usize]) -> Fact {
    Fact::list(numbers, ", ")
}

/// What the numbers of `received` tell of `messages` that were sent: those that are missing, those that came again, and
/// those that came behind a later one.
fn gaps(received: &[usize], messages: usize) -> [Vec<usize>; 3] {
    let missing = (1..=messages).filter(|number| !received.contains(number)).collect();
    let (mut twice, mut late) = (Vec::new(), Vec::new());
    for (place, number) in received.iter().enumerate() {
        let before = &received[..place];
        match before.contains(number) {
            true => twice.push(*number),
            false if before.iter().any(|earlier| earlier > number) => late.push(*number),
            false => {}
        }
    }
    [missing, twice, late]
}

fn numbers(parameters: Reliability) -> Scene {
    let Reliability { messages, seed, lose, duplicate, reorder } = parameters;
    let script = Script::Seed { seed, lose, duplicate, reorder };
    let mut channel = Channel::new(script, RelayDirection::ToServer);
    let mut planned: Vec<usize> = (1..=messages).flat_map(|number| channel.pass(number)).collect();
    planned.extend(channel.rest());
    let [missing, twice, late] = gaps(&planned, messages);
    let claims = [
        typical("received", "received, in this order", in_order(&planned), &sources::LOOPBACK),
        typical("missing", "not received: numbers", list(&missing), &sources::RFC8085_RELIABILITY),
        typical("twice", "received again", list(&twice), &sources::RFC8085_RELIABILITY),
        typical("late", "received behind a later one", list(&late), &sources::RFC8085_RELIABILITY),
    ];
    let answer = "Received: {received}; not received: {missing}.";
    let title = format!("{}, numbered, and nothing else", counted(messages, "message"));
    let scene = Scene::builder("numbers", title, claims).answer(answer);
    // Each may come twice.
    let room = vec!["data 20".len(); 2 * messages];
    scene.needs(Need::ReceiveBuffer(receive_buffer_for(room.clone()))).run(move |lab| {
        let (client, server) = (lab.bind("client")?, lab.bind("server")?);
        server.grow_receive_buffer(room)?;
        let mut relay = LossyRelay::new(lab, script)?;
        for number in 1..=messages {
            client.send_to(format!("data {number}").as_bytes(), relay.endpoint())?;
            relay.pass(&client, &server)?;
        }
        relay.pass_the_rest(&client, &server)?;
        let received = server.receive_until_marker(BUFFER)?;
        let received: Vec<usize> = received.iter().filter_map(|result| number_behind("data", result.bytes())).collect();
        let [missing, twice, late] = gaps(&received, messages);
        lab.observe("received", in_order(&received));
        lab.observe("missing", list(&missing));
        lab.observe("twice", list(&twice));
        lab.observe("late", list(&late));
        Ok(())
    })
}

/// A row about a transfer: its id, its property, what it shows, and who stands behind it.
type TransferRow = (&'static str, &'static str, fn(&Transfer) -> Fact, &'static Source);

const RELIABILITY: &Source = &sources::RFC8085_RELIABILITY;
const BACK_OFF: &Source = &sources::RFC6298_BACK_OFF;
const FEW: &Source = &sources::RFC8085_FEW;
const BULK: &Source = &sources::RFC8085_BULK;

/// What is claimed of a transfer: what comes of it by the script alone.
fn planned<'r>(rows: &'r [TransferRow], plan: &'r Transfer) -> impl Iterator<Item = Claim> + 'r {
    rows.iter().map(|(id, property, shown, source)| typical(*id, *property, shown(plan), source))
}

fn observe(lab: &Lab, rows: &[TransferRow], seen: &Transfer) {
    rows.iter().for_each(|(id, _, shown, _)| lab.observe(*id, shown(seen)));
}

/// The time-outs that passed, in milliseconds.
fn time_outs(transfer: &Transfer) -> Fact {
    let milliseconds = |time: &Duration| usize::try_from(time.as_millis()).unwrap_or(usize::MAX);
    list(&transfer.time_outs.iter().map(milliseconds).collect::<Vec<_>>())
}

fn given_up(transfer: &Transfer) -> Fact {
    transfer.given_up.map_or(Fact::Nothing, Fact::from)
}

fn one_message(fixed: &str) -> Scene {
    /// The first datagram is lost, each way.
    const SCRIPT: Script = Script::Lost { to_server: &[1], to_client: &[1] };
    const ROWS: &[TransferRow] = &[
        ("time-outs", "time-outs, in ms", time_outs, BACK_OFF),
        ("sent", "one message: transmissions", |seen| seen.transmissions.into(), RELIABILITY),
        ("copies", "copies of one message received", |seen| seen.acknowledgements.into(), RELIABILITY),
        ("delivered", "2 copies: delivered", |seen| seen.delivered.len().into(), RELIABILITY),
    ];
    let plan = planned_transfer(SCRIPT, 1, 1);
    let early = specified("early", "time-outs that ended early", 0, &sources::POSIX_TIMEOUT)
        .cites_on(Os::Windows, &sources::MS_TIMEOUT)
        .unconfirmed_on(Os::Windows);
    let claims: Vec<Claim> = planned(ROWS, &plan).chain([early]).collect();
    let answer = format!(
        "Needed: acknowledgements, time-outs (here {{time-outs}} ms) and numbers{fixed}: {{copies}} copies were \
         received, {{delivered}} delivered."
    );
    Scene::builder("one", "one message, until it is acknowledged", claims).answer(answer).run(|lab| {
        let (seen, early) = transfer(lab, SCRIPT, 1, 1)?;
        observe(lab, ROWS, &seen);
        lab.observe("early", early);
        Ok(())
    })
}

fn one_at_a_time(script: Script, messages: usize) -> Scene {
    const ROWS: &[TransferRow] = &[
        ("in-order", "one at a time: delivered", |seen| in_order(&seen.delivered), RELIABILITY),
        ("transmissions", "transmissions", |seen| seen.transmissions.into(), RELIABILITY),
        ("lost-there", "transmissions lost: numbers", |seen| list(&seen.lost_there), RELIABILITY),
        ("acknowledgements", "acknowledgements", |seen| seen.acknowledgements.into(), RELIABILITY),
        ("lost-back", "acknowledgements lost: numbers", |seen| list(&seen.lost_back), RELIABILITY),
        ("duplicates", "duplicates recognised: messages", |seen| list(&seen.duplicates), RELIABILITY),
        ("all-time-outs", "all time-outs, in ms", time_outs, BACK_OFF),
        ("given-up", "given up at message", given_up, RELIABILITY),
        ("rounds", "one at a time: rounds", |seen| seen.rounds.into(), FEW),
    ];
    let plan = planned_transfer(script, messages, 1);
    let claims: Vec<Claim> = planned(ROWS, &plan).collect();
    let what = counted(messages, "message");
    let answer = format!("{what}, one at a time: {{rounds round}} of sending and waiting.");
    Scene::builder("stop-and-wait", format!("{what}, one at a time"), claims).answer(answer).run(move |lab| {
        let (seen, _) = transfer(lab, script, messages, 1)?;
        observe(lab, ROWS, &seen);
        Ok(())
    })
}

fn window(script: Script, messages: usize) -> Scene {
    const ROWS: &[TransferRow] = &[
        ("window-rounds", "window of 3: rounds", |seen| seen.rounds.into(), BULK),
        ("window-sent", "window of 3: transmissions", |seen| seen.transmissions.into(), BULK),
        ("kept", "window of 3: kept for their turn", |seen| list(&seen.kept), RELIABILITY),
        ("window-order", "window of 3: delivered", |seen| in_order(&seen.delivered), RELIABILITY),
        ("window-given-up", "window of 3: given up at message", given_up, RELIABILITY),
    ];
    let plan = planned_transfer(script, messages, WINDOW);
    let claims: Vec<Claim> = planned(ROWS, &plan).collect();
    let answer = "Window of 3: {window-rounds round}.";
    let title = format!("{}, up to three at a time", counted(messages, "message"));
    Scene::builder("window", title, claims).answer(answer).run(move |lab| {
        let (seen, _) = transfer(lab, script, messages, WINDOW)?;
        observe(lab, ROWS, &seen);
        Ok(())
    })
}

/// So many heartbeats without an answer, one after another, and the peer counts as gone.
const MOST_MISSED: usize = 3;

/// Whether a peer is there, by its answers to heartbeats.
#[derive(Default)]
struct Watch {
    /// How many were not answered since the last one that was.
    missed: usize,
    /// The heartbeat after which the peer counted as gone.
    gone: Option<usize>,
}

impl Watch {
    fn note(&mut self, beat: usize, is_answered: bool) {
        self.missed = if is_answered { 0 } else { self.missed + 1 };
        if self.missed == MOST_MISSED {
            self.gone = self.gone.or(Some(beat));
        }
    }
}

fn heartbeat(fixed: &str) -> Scene {
    /// The last heartbeat before the server closes its socket.
    const LAST: usize = 2;
    /// Where the peer never counts as gone, the scene ends all the same.
    const MOST_BEATS: usize = 8;
    /// The first answer is lost; and all that comes after the close, as behind a firewall: without ICMP.
    const SCRIPT: Script = Script::Lost { to_server: &[3, 4, 5, 6, 7, 8], to_client: &[1] };
    let claims = [
        typical("one-lost", "answer 1 lost, 2 came: missed in a row", 0, &sources::RFC8085_KEEP_ALIVE),
        typical("close-sends", "the server closes: received", Fact::Nothing, &sources::RFC768),
        typical("gone", "gone after heartbeat", LAST + MOST_MISSED, &sources::RFC8085_KEEP_ALIVE),
    ];
    let answer = format!("The server closed{fixed}: gone after heartbeat {{gone}}.");
    Scene::builder("heartbeat", "a peer that vanishes", claims).answer(answer).run(|lab| {
        let (client, server) = (lab.bind_without_limit("client")?, lab.bind("server")?);
        let mut relay = LossyRelay::new(lab, SCRIPT)?;
        client.set(&RECEIVE_TIMEOUT, FIRST_TIME_OUT)?;
        let mut watch = Watch::default();
        for beat in 1..=LAST {
            client.send_to(format!("beat {beat} ♥").as_bytes(), relay.endpoint())?;
            for _ in 0..relay.pass(&client, &server)? {
                let request = server.receive(BUFFER);
                server.send_to(&[b"ack ", request.bytes()].concat(), relay.endpoint())?;
                relay.pass(&client, &server)?;
            }
            watch.note(beat, is_answer(&client.receive(BUFFER), beat));
        }
        lab.observe("one-lost", watch.missed);
        let there = server.peer();
        server.close();
        lab.observe("close-sends", relay.endpoint().before_marker(BUFFER)?);
        for beat in LAST + 1..=MOST_BEATS {
            if watch.gone.is_some() {
                break;
            }
            client.send_to(format!("beat {beat} ♥").as_bytes(), relay.endpoint())?;
            relay.pass(&client, &there)?;
            watch.note(beat, is_answer(&client.receive(BUFFER), beat));
        }
        lab.observe("gone", watch.gone.map_or(Fact::Nothing, Fact::from));
        Ok(())
    })
}

/// Whether this is the answer to that heartbeat: one to an earlier one, which comes late or twice, is no sign of life.
fn is_answer(received: &ReceiveResult, beat: usize) -> bool {
    received.bytes() == format!("ack beat {beat} ♥").as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_tell_what_is_missing_doubled_and_late() {
        assert_eq!(gaps(&[1, 3, 3, 2, 5], 6), [vec![4, 6], vec![3], vec![2]]);
        assert_eq!(gaps(&[2, 1, 1], 2), [vec![], vec![1], vec![1]]);
        assert!(gaps(&[1, 2], 2).iter().all(Vec::is_empty));
    }

    #[test]
    fn a_peer_counts_as_gone_after_three_silences_in_a_row() {
        let mut watch = Watch::default();
        for (beat, is_answered) in [false, false, true, false, false, false, true, false].into_iter().enumerate() {
            watch.note(beat, is_answered);
            assert_eq!(watch.gone, (beat >= 5).then_some(5));
        }
    }
}
