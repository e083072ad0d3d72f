//! Pictures, as the binary draws them: whether they tell the truth, and fit. And the one in the README: a lesson in the
//! terminal, on white and on black, as the binary prints it today.
//!
//! `UPDATE_PAGES=1 cargo test --test main picture::` draws that one anew.

use std::fs;
use std::path::Path;

use crate::support::udp_lab;
use anstyle::{Color, RgbColor};
use anstyle_lossy::palette::Palette;
use anstyle_svg::Term;
use regex::Regex;

const fn rgb(hex: u32) -> RgbColor {
    RgbColor((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

/// Black, red, green, yellow, blue, magenta, cyan, white; the bright ones are not used.
const fn palette(colours: [u32; 8]) -> Palette {
    let mut all = [rgb(0); 16];
    let mut place = 0;
    while place < 16 {
        all[place] = rgb(colours[place % 8]);
        place += 1;
    }
    Palette(all)
}

fn term(text: u32, ground: u32, colours: [u32; 8]) -> Term {
    Term::new().fg_color(Color::Rgb(rgb(text))).bg_color(Color::Rgb(rgb(ground))).palette(palette(colours))
}

fn light() -> Term {
    let colours = [0x1f2328, 0xa40e26, 0x116329, 0x7d4e00, 0x0550ae, 0x6639ba, 0x1b7c83, 0xffffff];
    term(0x1f2328, 0xffffff, colours)
}

fn dark() -> Term {
    let colours = [0x0d1117, 0xff7b72, 0x3fb950, 0xd29922, 0x58a6ff, 0xbc8cff, 0x39c5cf, 0xe6edf3];
    term(0xe6edf3, 0x0d1117, colours)
}

/// Columns of the picture: no kernel's release changes where its lines break.
const COLUMNS: &str = "79";

fn screen() -> String {
    let mut lesson = udp_lab();
    lesson.args(["truncation", "--width", COLUMNS, "--color", "always"]);
    let output = String::from_utf8(lesson.output().unwrap().stdout).unwrap();
    format!("$ udp-lab truncation\n{output}")
}

/// The picture without the times, which are others in each run, and without the system's release.
fn lasting(svg: &str) -> String {
    let times = Regex::new(r" *\d+(\.\d+)?  +").unwrap();
    let system = Regex::new(r"Linux \d+(\.\d+)?").unwrap();
    let svg = svg.replace("\r\n", "\n");
    system.replace_all(&times.replace_all(&svg, "TIME "), "SYSTEM").into_owned()
}

#[test]
fn the_picture_in_the_readme_is_what_the_program_prints() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let screen = screen();
    for (name, term) in [("docs/truncation-light.svg", light()), ("docs/truncation-dark.svg", dark())] {
        let today = term.render_svg(&screen);
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        let shown = fs::read_to_string(&path).unwrap_or_default();
        let current = lasting(&shown) == lasting(&today);
        if !current && std::env::var_os("UPDATE_PAGES").is_some() {
            fs::write(&path, &today).unwrap();
        } else {
            assert!(current, "{name} is not current: UPDATE_PAGES=1 cargo test --test main picture::");
        }
        assert!(readme.contains(name), "the README shows {name}");
    }
}
