//! `--export`, results as files: tried before the run, written whole after it or not at all.

use std::fs::{self, File};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{ArgMatches, Args, FromArgMatches, ValueHint};
use tempfile::{Builder, NamedTempFile, TempPath};

use super::failure::Failure;
use crate::kernel::{self, HERE};
use crate::render::{FILE_FORMATS, FileFormat, Results};
use crate::vocabulary::{Access, Os, escape, file_message};

/// Options of every command that runs lessons.
#[derive(Args)]
pub(super) struct Files {
    #[arg(long = "export", value_name = "FILE", value_hint = ValueHint::FilePath,
        value_parser = PathBufValueParser::new().try_map(Target::new),
        help = format!("Also write the results of this run to FILE; its ending names the format: {}", endings()),
        long_help = None)]
    targets: Vec<Target>,

    /// Replace a FILE that is there already
    #[arg(long, requires = "targets")]
    force: bool,
}

impl Files {
    /// The files that `arguments` name, tried.
    pub(super) fn open(arguments: &ArgMatches) -> Result<Export, Failure> {
        let files = Files::from_arg_matches(arguments)?;
        Export::open(files.targets, files.force).map_err(|refused| match refused {
            Refused::Use(sentence) => Failure::wrong_value(&sentence),
            Refused::Here(sentence) => Failure::Environment(sentence),
        })
    }
}

/// A file that is to take the results, in the format that its ending names.
#[derive(Clone)]
pub struct Target {
    path: PathBuf,
    format: FileFormat,
}

impl Target {
    /// The target at `path`.
    ///
    /// # Errors
    /// A sentence for the user, when the ending names no format.
    pub fn new(path: PathBuf) -> Result<Target, String> {
        let ending = path.extension().unwrap_or_default();
        let found = FILE_FORMATS.iter().find(|(known, _)| ending.eq_ignore_ascii_case(known));
        let (_, format) = found.ok_or_else(|| format!("the ending names the format: {}", endings()))?;
        Ok(Target { path, format: *format })
    }

    /// The same for all ways of writing the path.
    fn place(&self) -> PathBuf {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        whole.join(self.path.file_name().unwrap_or_default())
    }
}

/// The endings of all formats, as help and errors name them.
fn endings() -> String {
    FILE_FORMATS.iter().map(|(ending, _)| format!(".{ending}")).collect::<Vec<_>>().join(" ")
}

/// Why a target is not written, as a sentence for the user.
#[derive(Debug)]
pub enum Refused {
    /// Whatever is there: wrong use.
    Use(String),
    /// Here it cannot be.
    Here(String),
}

/// Files that could be written when the command began.
pub struct Export {
    targets: Vec<Target>,
    force: bool,
}

impl Export {
    /// Tries every target, so that a run is not for nothing. Nothing stays behind, whatever ends the run.
    ///
    /// # Errors
    /// A file is there and `force` was not given, or none can be created there; the names cannot be those of so many
    /// files.
    pub fn open(targets: Vec<Target>, force: bool) -> Result<Export, Refused> {
        let mut places = Vec::new();
        for target in &targets {
            let path = &target.path;
            let sentence = |why: &str| format!("cannot write {}: {why}", path.display());
            let refused = |why: &str| Err(Refused::Here(sentence(why)));
            if path.to_string_lossy().ends_with(std::path::is_separator) {
                return Err(Refused::Use(sentence("it ends as a folder does")));
            }
            match fs::symlink_metadata(path) {
                Ok(there) if !there.is_file() => return refused("something is there that is not a plain file"),
                Ok(_) if !force => return refused(THERE),
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Refused::Here(failed(path, &error)));
                }
                Ok(_) | Err(_) => {}
            }
            let place = kernel::without_signals(|| tried_place(target, force));
            let place = place.map_err(|error| Refused::Here(failed(path, &error)))?;
            if places.contains(&place) {
                return Err(Refused::Use(sentence("it is named twice")));
            }
            places.push(place);
        }
        Ok(Export { targets, force })
    }

    /// Writes every target.
    ///
    /// # Errors
    /// A sentence for the user; then no target was written in part, and on a full disk none at all.
    pub fn write(&self, results: &Results<'_>) -> Result<(), String> {
        let contents: Vec<Vec<u8>> = self.targets.iter().map(|target| (target.format)(results)).collect();
        kernel::without_signals(|| self.write_down(&contents))
    }

    /// Names the files to whoever watches: on standard output there are the results, which may go elsewhere.
    pub(super) fn say_what_is_written(&self) {
        if io::stderr().is_terminal() {
            for Target { path, .. } in &self.targets {
                let _ = writeln!(io::stderr(), "Written: {}", escape(&path.display().to_string()));
            }
        }
    }

    fn write_down(&self, contents: &[Vec<u8>]) -> Result<(), String> {
        let mut drafts = Vec::new();
        for (Target { path, .. }, content) in self.targets.iter().zip(contents) {
            let draft = draft_for(path, self.force).and_then(|mut draft| {
                keep_mode(path, draft.as_file())?;
                draft.as_file_mut().write_all(content)?;
                Ok(draft.into_temp_path())
            });
            drafts.push(draft.map_err(|error| failed(path, &error))?);
        }
        for (draft, Target { path, .. }) in drafts.into_iter().zip(&self.targets) {
            publish(draft, path, self.force).map_err(|error| failed(path, &error))?;
        }
        Ok(())
    }
}

const THERE: &str = "it is there already; --force replaces it";

/// Whoever has created the file during the run is told of as one who did so before.
fn failed(path: &Path, error: &io::Error) -> String {
    let why = match error.kind() {
        io::ErrorKind::AlreadyExists => THERE.to_owned(),
        _ => file_message(error, Access::Write, HERE),
    };
    format!("cannot write {}: {why}", path.display())
}

/// An empty file in the target's folder, removed when it is dropped. It has the mode of any new file; one that tempfile
/// opens itself only its owner may read.
fn draft_beside(target: &Path) -> io::Result<NamedTempFile> {
    let folder = target.parent().unwrap_or(Path::new(""));
    Builder::new().prefix(".udp-lab-").suffix(".tmp").make_in(folder, |path| File::create_new(path))
}

/// As [`draft_beside`], or elsewhere where the folder takes no new file and the file itself may be written.
fn draft_for(target: &Path, force: bool) -> io::Result<NamedTempFile> {
    draft_beside(target).or_else(|refused| {
        let writable = force && File::options().write(true).open(target).is_ok();
        if writable { Builder::new().prefix(".udp-lab-").tempfile() } else { Err(refused) }
    })
}

/// Where the target is, once a file could be created there: the same for all names by which that folder finds it.
fn tried_place(target: &Target, force: bool) -> io::Result<PathBuf> {
    let draft = draft_for(&target.path, force)?;
    let place = target.place();
    Ok(if finds_in_capitals(draft.path()) { place.to_string_lossy().to_lowercase().into() } else { place })
}

/// Whether the folder of this file takes its name in capitals for the same name, as most do on Windows and macOS.
fn finds_in_capitals(file: &Path) -> bool {
    let capitals = file.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
    file.with_file_name(capitals).exists()
}

/// Gives the draft the mode of the file that it will replace: what was private stays private. Windows has no modes.
fn keep_mode(target: &Path, draft: &File) -> io::Result<()> {
    let Ok(there) = target.metadata() else { return Ok(()) };
    // A file system with one mode for all files refuses to set any.
    if HERE == Os::Windows || there.permissions() == draft.metadata()?.permissions() {
        return Ok(());
    }
    draft.set_permissions(there.permissions())
}

/// Gives the draft the target's name. A rename would replace a file that was created meanwhile; so without `force` the
/// name is first taken by an empty file. tempfile's `persist_noclobber` needs hard links on some systems, and FAT has
/// none.
fn publish(draft: TempPath, target: &Path, force: bool) -> io::Result<()> {
    if !force {
        File::create_new(target)?;
    }
    let Err(refused) = draft.persist(target) else { return Ok(()) };
    match File::options().write(true).open(target) {
        Ok(there) if force => write_in_place(&refused.path, there),
        _ => {
            if !force {
                let _ = fs::remove_file(target);
            }
            Err(refused.error)
        }
    }
}

/// Writes the draft into a file that no name can replace: what is mounted there, as a container is given one file, or
/// what lies in a folder that takes no new file.
fn write_in_place(draft: &Path, mut there: File) -> io::Result<()> {
    let mut draft = File::open(draft)?;
    there.set_len(0)?;
    io::copy(&mut draft, &mut there).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A killed run leaves its draft; in a container the next run has the same process id.
    #[test]
    fn a_leftover_draft_does_not_hinder_the_next_run() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("r.md");
        let (_, left) = draft_beside(&target).unwrap().keep().unwrap();
        let draft = draft_beside(&target).unwrap();
        assert_ne!(draft.path(), left);
        publish(draft.into_temp_path(), &target, false).unwrap();
        assert!(target.exists() && left.exists());
    }
}
