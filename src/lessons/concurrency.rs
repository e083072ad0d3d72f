//! A server of one loop looks concurrent, and is not.
//!
//! While the server works on one request, the others wait in the kernel's queue. If the work is short nobody sees the
//! queue, and all clients seem to be served at once. That is a property of the loop, not of UDP: several threads may
//! receive on the same socket, and every datagram goes to exactly one of them.

use std::time::Duration;

use clap::Args;

use super::{Lesson, Parameters, Scene, Scenes};
use crate::arguments;
use crate::experiments::{answer_to, answered};
use crate::lab::{Endpoint, SceneError, ServerRun, Target, Workers};
use crate::vocabulary::{Guess, counted, measured, right, sources, specified, typical, wrong};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    name: "concurrency",
    title: "One loop serves one request at a time",
    question: "Several clients ask one UDP server at once. When does the last one have its answer?",
    why: "A loop that receives, works and answers processes one request at a time; the others wait in the receive \
          buffer (Stevens, UNP, 3rd ed., section 8.4: an iterative server). With little work nobody notices. It is the \
          loop that is serial, not UDP: threads may share the socket (POSIX XSH 2.9.1), and each datagram goes to \
          exactly one of them.",
    keys: &["in-hand-with-work", "last-waits", "answered-with-work", "in-hand-of-threads"],
    guess: Guess {
        answers: &[
            wrong("At the same time as the first: UDP serves all clients at once.", "in-hand-with-work"),
            right("After the work for all of them: one loop processes one request at a time.", "last-waits"),
            wrong("Never: requests that come while the server works are lost.", "answered-with-work"),
        ],
        because: "the loop works on one request, and the others wait in the socket's queue.",
    },
    example: "--clients 4 --work 200ms",
    parameters: Parameters::of::<Concurrency>(),
    page: include_str!("../../demos/concurrency.md"),
    python: include_str!("../../demos/concurrency.py"),
};

/// Most clients: each is a socket, and a process is commonly granted 1024.
const MOST_CLIENTS: usize = 1000;

/// Longest time that all the work may take, so that a class is not kept waiting by a slip of the keyboard.
const MOST_WORK: Duration = Duration::from_secs(60);

#[derive(Args)]
struct Concurrency {
    /// Clients that ask at the same time, 1 to 1000
    #[arg(long, value_name = "N", default_value = "8",
        value_parser = arguments::number(1..=MOST_CLIENTS, "clients",
            "each is a socket, and systems commonly grant a process 1024"))]
    clients: usize,

    /// Time the server works on each request; with all clients together at most 60s
    #[arg(long, value_name = "TIME", default_value = "10ms", value_parser = arguments::time)]
    work: Duration,

    /// Threads that share the socket in the last scene, 1 to 64
    #[arg(long, value_name = "N", default_value = "3",
        value_parser = arguments::number(1..=64, "threads", "more show nothing new and cost memory"))]
    threads: usize,
}

impl Scenes for Concurrency {
    fn scenes(self) -> Result<Vec<Scene>, String> {
        let Concurrency { clients, work, threads } = self;
        if work.saturating_mul(u32::try_from(clients).unwrap_or(u32::MAX)) > MOST_WORK {
            return Err(format!(
                "{clients} clients with {} of work each take longer than 60s: give less of one",
                humantime::format_duration(work)
            ));
        }
        Ok(vec![
            without_work(clients),
            with_work(clients, work),
            // A thread without a request would have nobody to meet.
            with_threads(clients, work, threads.min(clients)),
        ])
    }
}

fn without_work(clients: usize) -> Scene {
    let asking = counted(clients, "client");
    let claims = [
        typical("answered", format!("no work: of {asking}, answered"), clients, &sources::LOOPBACK),
        specified("in-hand", "no work: requests processed at once", 1, &sources::UNP_ITERATIVE),
        measured("last-answer", "no work: time until the last reply", &sources::UNP_ITERATIVE),
    ];
    let answer =
        "Without work {answered client} had their replies after {last-answer}. Requests processed at once: {in-hand}.";
    Scene::builder("no-work", "it looks concurrent", claims).answer(answer).run(move |lab| {
        let (server, clients) = (lab.bind("server")?, lab.endpoints("client", clients)?);
        ask(&clients, &server)?;
        let service = server.serve(Workers { threads: 1, work: Duration::ZERO }, answer_to)?;
        lab.observe("answered", answered(&clients)?);
        lab.observe("in-hand", service.most_at_once());
        lab.observe("last-answer", service.last_answer());
        Ok(())
    })
}

fn with_work(clients: usize, work: Duration) -> Scene {
    let asking = counted(clients, "client");
    let each = humantime::format_duration(work);
    let last = work.saturating_mul(u32::try_from(clients).unwrap_or(u32::MAX));
    let count = clients;
    let claims = [
        typical("waiting", format!("requests queued, {each} of work each"), clients, &sources::UNP_ITERATIVE),
        specified("in-hand-with-work", "one loop: requests processed at once", 1, &sources::UNP_ITERATIVE),
        specified("early-answers", "replies faster than one loop allows", 0, &sources::UNP_ITERATIVE),
        measured("out-of-turn", "clients answered out of turn", &sources::LOOPBACK),
        typical("last-waits", format!("does the last client wait {count} x {each}?"), true, &sources::UNP_ITERATIVE),
        typical("answered-with-work", format!("of {asking}, answered"), clients, &sources::LOOPBACK),
        measured("first-answer-with-work", "time until the first reply", &sources::UNP_ITERATIVE),
        measured("last-answer-with-work", "time until the last reply", &sources::UNP_ITERATIVE),
    ];
    let answer = "One loop processed {in-hand-with-work request} at a time. The first client waited \
                  {first-answer-with-work}, the last {last-answer-with-work}.";
    Scene::builder("work", "one loop, with work", claims).answer(answer).run(move |lab| {
        let (server, clients) = (lab.bind("server")?, lab.endpoints("client", clients)?);
        ask(&clients, &server)?;
        // All requests were sent before the loop starts: what it receives has waited in the queue.
        let service = server.serve(Workers { threads: 1, work }, answer_to)?;
        lab.observe("waiting", service.requests.len());
        lab.observe("in-hand-with-work", service.most_at_once());
        match service.requests.len() {
            0 => lab.skip("early-answers", NO_REQUEST),
            _ => lab.observe("early-answers", service.early_answers(work)),
        }
        match service.requests.len() {
            received if received < count => {
                lab.skip("last-waits", format!("{received} of {count} requests were received"));
            }
            _ if work.is_zero() => lab.skip("last-waits", "there is no work to wait for"),
            _ => lab.observe("last-waits", service.last_answer() >= last),
        }
        lab.observe("out-of-turn", out_of_turn(&service, &clients));
        lab.observe("answered-with-work", answered(&clients)?);
        lab.observe("first-answer-with-work", service.first_answer());
        lab.observe("last-answer-with-work", service.last_answer());
        Ok(())
    })
}

fn with_threads(clients: usize, work: Duration, threads: usize) -> Scene {
    let asking = counted(clients, "client");
    let claims = [
        specified(
            "in-hand-of-threads",
            format!("{}: requests processed at once", counted(threads, "thread")),
            threads,
            &sources::POSIX_THREADS,
        ),
        typical("requests-of-threads", "requests processed, all threads", clients, &sources::LOOPBACK),
        specified("handled-again", "requests that two threads received", 0, &sources::POSIX_RECVFROM),
        typical("answered-by-threads", format!("of {asking}, answered"), clients, &sources::LOOPBACK),
        measured("last-answer-of-threads", "with threads: time until the last reply", &sources::POSIX_THREADS),
    ];
    let answer =
        format!("With {} on the socket the last waited {{last-answer-of-threads}}.", counted(threads, "thread"));
    Scene::builder("threads", "threads share the socket", claims).answer(answer).run(move |lab| {
        let (server, clients) = (lab.bind("server")?, lab.endpoints("client", clients)?);
        ask(&clients, &server)?;
        let service = server.serve(Workers { threads, work }, answer_to)?;
        lab.observe("in-hand-of-threads", service.most_at_once());
        lab.observe("requests-of-threads", service.requests.len());
        match (threads, service.requests.len()) {
            (1, _) => lab.skip("handled-again", "there is only one thread"),
            (_, 0) => lab.skip("handled-again", NO_REQUEST),
            _ => lab.observe("handled-again", service.handled_again()),
        }
        lab.observe("answered-by-threads", answered(&clients)?);
        lab.observe("last-answer-of-threads", service.last_answer());
        Ok(())
    })
}

const NO_REQUEST: &str = "no request was received";

/// Every client sends its name, one after another, before the server runs.
fn ask(clients: &[Endpoint], server: &Endpoint) -> Result<(), SceneError> {
    server.grow_receive_buffer(clients.iter().map(|client| client.name().len()))?;
    for client in clients {
        client.send_to(client.name().as_bytes(), server)?;
    }
    Ok(())
}

/// How many answers did not go to the client whose turn it was.
fn out_of_turn(service: &ServerRun, clients: &[Endpoint]) -> usize {
    let turns = clients.iter().map(Target::name);
    service.order_of_answers().into_iter().zip(turns).filter(|(answered, turn)| answered != turn).count()
}
