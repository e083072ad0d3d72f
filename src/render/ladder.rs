//! A lesson's picture in characters.

use std::time::Duration;

use textwrap::core::display_width;

use super::RenderOptions;
use super::picture::{Bars, Ladder, Picture, Step, What, last_end, milliseconds};

/// Columns of the time, with the blanks behind it.
const TIME: usize = 9;

/// The picture, each line at most as wide as `look` allows.
pub fn draw(picture: &Picture, options: RenderOptions) -> String {
    match picture {
        Picture::Ladder(ladder) => draw_ladder(ladder, options),
        Picture::Bars(scenes) => draw_bars(scenes, options),
    }
}

/// A row of character cells; a wide character fills two.
struct Canvas {
    cells: Vec<Option<char>>,
}

impl Canvas {
    fn new(width: usize) -> Self {
        Canvas { cells: vec![Some(' '); width] }
    }

    /// Writes `text` from column `x` on, as far as there is room before column `end`; shortened with `…`.
    fn put(&mut self, x: usize, end: usize, text: &str) {
        let room = end.min(self.cells.len()).saturating_sub(x);
        let fits = display_width(text) <= room;
        let mut column = x;
        for c in text.chars() {
            let width = display_width(c.encode_utf8(&mut [0; 4]));
            let last = x + room - usize::from(!fits);
            if column + width > last {
                break;
            }
            if width > 0 {
                self.cells[column] = Some(c);
                self.cells[column + 1..column + width].fill(None);
                column += width;
            }
        }
        if !fits && column < x + room {
            self.cells[column] = Some('…');
        }
    }

    fn line(&self, options: RenderOptions) -> String {
        let line: String = self.cells.iter().flatten().collect();
        options.text(line.trim_end()).replace("...", "~") + "\n"
    }
}

/// The next rows of a ladder that grows, with its header where it begins.
pub fn grow(ladder: &Ladder, header: bool, options: RenderOptions) -> String {
    let width = usize::from(options.width.min(100));
    // What is still to be written there is not known.
    rows(ladder, &columns(ladder, width / 3, width), header, width, options)
}

/// The columns to the right of the last lane, where its own marks are written: a third of the width at most.
fn right(ladder: &Ladder, width: usize) -> usize {
    let last = ladder.lanes.len().saturating_sub(1);
    let marks = ladder.steps.iter().filter_map(|step| match &step.what {
        What::Mark { text, bad } if step.lane == last => Some(display_width(text) + if *bad { 5 } else { 3 }),
        _ => None,
    });
    let name = ladder.lanes.last().map_or(0, |name| display_width(name));
    marks.max().unwrap_or(0).max(name).max(8).min(width / 3)
}

/// Where the lanes stand, with `right` columns behind the last one.
fn columns(ladder: &Ladder, right: usize, width: usize) -> Vec<usize> {
    let last = ladder.lanes.len().saturating_sub(1);
    let spacing = (width - TIME - right).checked_div(last).unwrap_or(0).min(40);
    (0..ladder.lanes.len()).map(|lane| TIME + lane * spacing).collect()
}

fn draw_ladder(ladder: &Ladder, options: RenderOptions) -> String {
    let width = usize::from(options.width.min(100));
    rows(ladder, &columns(ladder, right(ladder, width), width), true, width, options)
}

fn rows(ladder: &Ladder, columns: &[usize], with_header: bool, width: usize, options: RenderOptions) -> String {
    let end_of = |lane: usize| columns.get(lane + 1).map_or(width, |next| next - 1);
    let mut header = Canvas::new(width);
    header.put(TIME - 4, TIME, "ms");
    for (lane, name) in ladder.lanes.iter().enumerate() {
        header.put(columns[lane], end_of(lane), &options.text(name));
    }
    let mut text = if with_header { header.line(options) } else { String::new() };
    for step in &ladder.steps {
        text.push_str(&draw_step(step, columns, end_of, width, ladder.over, options).line(options));
    }
    text
}

fn draw_step(
    step: &Step,
    columns: &[usize],
    end_of: impl Fn(usize) -> usize,
    width: usize,
    over: bool,
    options: RenderOptions,
) -> Canvas {
    let (lane_line, branch) = if options.ascii { ("|", "+") } else { ("│", "├") };
    let mut canvas = Canvas::new(width);
    for column in columns {
        canvas.put(*column, width, lane_line);
    }
    let own = columns[step.lane];
    let time = milliseconds(step.at);
    if !matches!(step.what, What::More(_)) {
        canvas.put((TIME - 2).saturating_sub(time.len()), TIME, &time);
    }
    match &step.what {
        What::More(count) => canvas.put(own + 2, end_of(step.lane), &format!("({count} more)")),
        What::Mark { text, bad } => {
            canvas.put(own, width, branch);
            let mark = match (bad, options.ascii) {
                (true, false) => "✗ ",
                (true, true) => "x ",
                (false, _) => "",
            };
            canvas.put(own + 2, end_of(step.lane), &format!("{mark}{}", options.text(text)));
        }
        What::Sent { to, text, .. } if *to == step.lane => {
            canvas.put(own, width, branch);
            canvas.put(own + 2, end_of(step.lane), &format!("sends {} to itself", options.text(text)));
        }
        What::Sent { to, text, lost } => {
            let other = columns[*to];
            let (left, right) = (own.min(other) + 1, own.max(other));
            let to_the_right = other > own;
            let shaft = match (*lost && !over, options.ascii) {
                (true, false) => '╌',
                (false, false) => '─',
                (_, true) => '-',
            };
            for column in left..right {
                canvas.cells[column] = Some(shaft);
            }
            let label = format!(" {} ", options.text(text));
            let room = (right - left).saturating_sub(4);
            let start = left + 2 + room.saturating_sub(display_width(&label)) / 2;
            canvas.put(start.min(left + 2 + room), right - 2, &label);
            let end = match (*lost, over, options.ascii) {
                (false, ..) if to_the_right => ">",
                (false, ..) => "<",
                (true, false, _) => "?",
                (true, true, false) => "✗",
                (true, true, true) => "x",
            };
            let head = if to_the_right { right - 1 } else { left };
            canvas.put(head, width, end);
            if *lost && over {
                canvas.put(other + 2, end_of(*to), "lost");
            }
        }
    }
    canvas
}

fn draw_bars(scenes: &[Bars], options: RenderOptions) -> String {
    let width = usize::from(options.width.min(100));
    let bars = || scenes.iter().flat_map(|scene| scene.bars.iter().flatten());
    let name = bars().map(|bar| display_width(&bar.client)).max().unwrap_or(0) + 1;
    let last = last_end(scenes);
    let axis = width.saturating_sub(name + 11);
    let place = |time: Duration| (time.as_secs_f64() / last * axis as f64).round() as usize;
    let block = if options.ascii { "#" } else { "█" };
    let mut text = String::new();
    for scene in scenes {
        text.push_str(&format!("{}:\n", options.text(&scene.caption())));
        for bar in &scene.bars {
            let mut canvas = Canvas::new(width);
            match bar {
                None => canvas.put(0, width, &format!("({} more)", scene.left_out)),
                Some(bar) => {
                    canvas.put(0, name, &options.text(&bar.client));
                    let (from, to) = (place(bar.began), place(bar.ended).max(place(bar.began) + 1));
                    canvas.put(name + from, width, &block.repeat(to - from));
                    canvas.put(name + to + 1, width, &format!("{:.1}", bar.ended.as_secs_f64() * 1000.0));
                }
            }
            text.push_str(&canvas.line(options));
        }
    }
    text
}
