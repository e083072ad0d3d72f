//! What is another value on each operating system.

use super::Os;

/// A value for Linux, one for macOS and one for Windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerSystem<T>([T; 3]);

impl<T> PerSystem<T> {
    /// The values for Linux, macOS and Windows.
    pub const fn new(values: [T; 3]) -> Self {
        PerSystem(values)
    }

    /// The value for `os`.
    pub const fn on(&self, os: Os) -> &T {
        &self.0[os as usize]
    }

    /// The value for `os`, to be changed.
    pub const fn on_mut(&mut self, os: Os) -> &mut T {
        &mut self.0[os as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_in_the_order_of_the_systems() {
        let mut names = PerSystem::new(["Linux", "macOS", "Windows"]);
        assert_eq!(Os::ALL.map(|os| *names.on(os)), Os::ALL.map(Os::name));
        *names.on_mut(Os::Macos) = "Darwin";
        assert_eq!(Os::ALL.map(|os| *names.on(os)), ["Linux", "Darwin", "Windows"]);
    }
}
