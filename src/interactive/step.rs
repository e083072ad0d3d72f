//! A run that stops before each call: what is about to happen, Enter, what happened.

use std::io::{self, BufRead, IsTerminal};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::lab::{Ahead, Event, FENCE, Watcher};
use crate::platform::HERE;
use crate::render::picture::{Growing, LONGEST_QUOTATION, LONGEST_RUN, family};
use crate::render::{BOLD, Look, ladder, table};
use crate::vocabulary::{Os, shortened};

const KEYS: &str = match HERE {
    Os::Windows => "Enter goes on. n, Enter: to the next scene. q, Enter (or Ctrl-Z, Enter): to the end.",
    Os::Linux | Os::Macos => "Enter goes on. n, Enter: to the next scene. q, Enter (or Ctrl-D): to the end.",
};

const UNSTOPPABLE: &str = "To stop here would change what is shown. This part runs by itself now; then its log is \
                           replayed, call by call.";

/// Most different calls that make a round, such as receive and answer.
const LONGEST_ROUND: usize = 4;

/// What a lesson says and asks while it is run step by step.
pub struct Step {
    look: Look,
    talk: Mutex<Talk>,
}

struct Talk {
    print: fn(&str) -> io::Result<()>,
    /// What is to be printed next.
    text: String,
    /// Whether the terminal itself ends the line when Enter is pressed.
    echo: bool,
    pace: Pace,
    keys_explained: bool,
    fence_explained: bool,
    /// The scene's title, until it is said.
    title: Option<String>,
    growing: Growing,
    /// The header under which the last rows were drawn.
    lanes: Vec<String>,
    drawn: usize,
    announced: usize,
    /// The last calls, the latest at the end.
    latest: Vec<Kind>,
    /// The calls made now were announced together.
    together: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    EachCall,
    NextScene,
    End,
}

/// What calls have in common that are announced together.
#[derive(PartialEq, Eq)]
struct Kind {
    who: String,
    call: &'static str,
    with: Option<String>,
}

impl Kind {
    fn of(call: &Ahead<'_>) -> Self {
        let name = |name: &str| family(name).unwrap_or(name).to_owned();
        Kind { who: name(call.who), call: call.call, with: call.with.map(name) }
    }
}

impl Step {
    /// A conversation through `print` and standard input.
    pub fn new(look: Look, print: fn(&str) -> io::Result<()>) -> Self {
        let talk = Talk {
            print,
            text: String::new(),
            echo: io::stdin().is_terminal() && io::stdout().is_terminal(),
            pace: Pace::EachCall,
            keys_explained: false,
            fence_explained: false,
            title: None,
            growing: Growing::default(),
            lanes: Vec::new(),
            drawn: 0,
            announced: 0,
            latest: Vec::new(),
            together: false,
        };
        Step { look, talk: Mutex::new(talk) }
    }

    /// Says which lesson begins, and puts its `question` where it has not been put; the first time also how to go on.
    /// Whether anything was said: not after `q`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn lesson(&self, name: &str, title: &str, question: Option<&str>) -> io::Result<bool> {
        let mut talk = self.talk();
        if talk.pace == Pace::End {
            return Ok(false);
        }
        talk.text += &table::heading(&format!("{name}: {title}"), self.look);
        if let Some(question) = question {
            talk.text += &(self.look.wrap(question, "") + "\n");
        }
        if !talk.keys_explained {
            talk.keys_explained = true;
            talk.text += &format!("\n{}\n", self.look.wrap(KEYS, ""));
        }
        talk.say().map(|()| true)
    }

    fn talk(&self) -> MutexGuard<'_, Talk> {
        self.talk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on with the talk while somebody follows it. Who cannot be reached any more is not waited for; the report
    /// will meet the same error.
    fn go_on(&self, talk: &dyn Fn(&mut Talk, Look) -> io::Result<()>) {
        let mut state = self.talk();
        if state.pace == Pace::EachCall && talk(&mut state, self.look).is_err() {
            state.pace = Pace::End;
        }
    }
}

impl Watcher for Step {
    fn scene(&self, title: &str) {
        let mut talk = self.talk();
        if talk.pace == Pace::NextScene {
            talk.pace = Pace::EachCall;
        }
        talk.title = Some(title.to_owned());
        talk.growing = Growing::default();
        talk.lanes.clear();
        talk.latest.clear();
        (talk.drawn, talk.announced, talk.together) = (0, 0, false);
    }

    fn opened(&self, name: &str) {
        self.talk().growing.opened(name);
    }

    fn ahead(&self, call: &Ahead<'_>, made: &[Event]) {
        self.go_on(&|talk, look| {
            talk.replay(made, look)?;
            talk.announce(call, made, look)?;
            talk.announced = made.len() + 1;
            Ok(())
        });
    }

    fn unstoppable(&self, made: &[Event]) {
        self.go_on(&|talk, look| {
            talk.draw(made, look);
            talk.add_title(look);
            talk.text += &(look.wrap(UNSTOPPABLE, "") + "\n");
            talk.say()
        });
    }

    fn over(&self, made: &[Event]) {
        self.go_on(&|talk, look| {
            talk.replay(made, look)?;
            talk.draw(made, look);
            talk.say()
        });
    }
}

impl Talk {
    /// Announces the calls that were made without.
    fn replay(&mut self, made: &[Event], look: Look) -> io::Result<()> {
        for (place, event) in made.iter().enumerate().skip(self.announced) {
            // A request in hand is a moment and no call.
            if self.pace == Pace::EachCall && !matches!(event.call, "serve" | "begin" | "end") {
                self.announce(&Ahead::before(event), &made[..place], look)?;
            }
        }
        Ok(())
    }

    /// Says what is about to happen, after what has happened, and waits.
    fn announce(&mut self, call: &Ahead<'_>, made: &[Event], look: Look) -> io::Result<()> {
        if self.pace != Pace::EachCall {
            return Ok(());
        }
        let kind = Kind::of(call);
        let round = self.round_of(&kind);
        if self.latest.len() > LONGEST_ROUND * LONGEST_RUN {
            self.latest.remove(0);
        }
        self.latest.push(kind);
        if round.is_some() && self.together {
            return Ok(());
        }
        self.together = round.is_some();
        self.draw(made, look);
        self.add_title(look);
        let mut text = sentence(call);
        if call.who == FENCE && !self.fence_explained {
            self.fence_explained = true;
            text += " (what has not come before it will not come)";
        }
        text += match round {
            None => "",
            Some(1) => ", and all like it that follow",
            Some(_) => ", and all rounds like this that follow",
        };
        self.text += &format!("{BOLD}{}{BOLD:#}", look.wrap(&text, "    "));
        self.wait()
    }

    /// How many calls make one round, where the next call only goes on with rounds that were seen often enough.
    fn round_of(&self, next: &Kind) -> Option<usize> {
        (1..=LONGEST_ROUND).find(|&round| {
            let enough = round * LONGEST_RUN.div_ceil(round).max(2);
            let latest = |back: usize| self.latest.iter().nth_back(back);
            latest(round - 1) == Some(next)
                && (round..enough).all(|place| latest(place).is_some() && latest(place) == latest(place - round))
        })
    }

    fn add_title(&mut self, look: Look) {
        let Some(title) = self.title.take() else { return };
        let line = if look.ascii { "--" } else { "──" };
        self.text += &format!("\n{}\n", look.wrap(&format!("{line} {title} {line}"), "   "));
    }

    /// Adds what has happened to the ladder.
    fn draw(&mut self, made: &[Event], look: Look) {
        let ladder = self.growing.ladder(made, self.drawn);
        self.drawn = made.len();
        if !look.ladder || ladder.steps.is_empty() {
            return;
        }
        self.text += &ladder::grow(&ladder, self.lanes != ladder.lanes, look);
        self.lanes = ladder.lanes;
    }

    fn say(&mut self) -> io::Result<()> {
        (self.print)(&std::mem::take(&mut self.text))
    }

    fn wait(&mut self) -> io::Result<()> {
        self.text.push(if self.echo { ' ' } else { '\n' });
        self.say()?;
        let mut line = Vec::new();
        match io::stdin().lock().read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => {
                self.pace = Pace::End;
                if self.echo {
                    self.text.push('\n');
                    self.say()?;
                }
            }
            Ok(_) => match line.trim_ascii() {
                b"n" => self.pace = Pace::NextScene,
                b"q" => self.pace = Pace::End,
                _ => {}
            },
        }
        Ok(())
    }
}

/// `client: send_to server, 5 bytes "hello"`.
fn sentence(call: &Ahead<'_>) -> String {
    let bytes = |count: usize| format!("{count} byte{}", if count == 1 { "" } else { "s" });
    let (name, flag) = call.call.split_once(' ').unwrap_or((call.call, ""));
    let mut text = format!("{}: {name}", call.who);
    if !flag.is_empty() {
        text += &format!(" with MSG_{flag}");
    }
    if let Some(with) = call.with {
        text += if name.ends_with("_to") { " " } else { " to " };
        text += with;
    }
    if let Some(address) = call.asked {
        text += &match address.port() {
            0 => format!(" to {}, any port", address.ip()),
            port => format!(" to {}, port {port}", address.ip()),
        };
    }
    if let Some(payload) = call.payload {
        text += &format!(", {}", bytes(payload.len()));
        // A fence is known by its sender; its byte says nothing.
        if call.who != FENCE {
            text += &format!(" {}", shortened(payload, LONGEST_QUOTATION));
        }
    }
    if call.parts > 0 {
        text += &format!(" from {} buffers", call.parts);
    }
    if let Some(room) = call.buffer {
        text += &match name {
            "recvmsg" => format!(", room for {}", bytes(room)),
            _ => format!(", a buffer of {}", bytes(room)),
        };
    }
    if call.tcp { text + " (TCP)" } else { text }
}
