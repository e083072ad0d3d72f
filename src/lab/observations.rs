//! What a scene hands in for its claims, and what is left of it when it is over.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use super::context::SceneContext;
use super::lock::lock;
use super::{Call, Lab, SceneError};
use crate::kernel::HERE;
use crate::vocabulary::{Claim, Expect, Fact, Observation, Reason};

/// What was observed for the claims of a scene, so far.
pub(super) type Observations = Arc<Mutex<Vec<(String, Observation)>>>;

impl Lab {
    /// What was observed, for whoever judges it when the scene is over.
    pub(crate) fn evidence(&self) -> Evidence {
        Evidence {
            context: Arc::clone(&self.context),
            claims: Arc::clone(&self.claims),
            observations: Arc::clone(&self.observations),
            in_progress: Arc::clone(&self.in_progress),
        }
    }

    /// Whether the claim `id` speaks of something that this system has; where not, it need not be observed.
    pub fn applies(&self, id: &str) -> bool {
        let claim = self.claims.iter().find(|claim| claim.id == id);
        claim.is_none_or(|claim| !matches!(claim.expected.on(HERE), Expect::Absent(_)))
    }

    fn hand_in(&self, id: String, observation: Observation) {
        lock(&self.observations).push((id, observation));
    }

    /// Hands in what was seen for the claim `id`. Each claim is observed exactly once.
    pub fn observe(&self, id: impl Into<String>, fact: impl Into<Fact>) {
        self.hand_in(id.into(), Observation::Seen(fact.into()));
    }

    /// Says that the claim `id` could not be looked at, and why.
    pub fn skip(&self, id: impl Into<String>, reason: impl Into<String>) {
        self.hand_in(id.into(), Observation::Skipped(Reason::from(reason.into())));
    }

    /// Hands in what was seen for the claim `id`, or the reason why it could not be looked at.
    pub fn observe_or_skip(&self, id: impl Into<String>, looked: Result<impl Into<Fact>, String>) {
        match looked {
            Ok(fact) => self.observe(id, fact),
            Err(reason) => self.skip(id, reason),
        }
    }

    /// Hands in what was seen for the claim `id`. Where that presupposes what did not happen, this row alone is
    /// skipped.
    ///
    /// # Errors
    /// What ended the calls otherwise.
    pub fn try_observe(&self, id: &str, seen: Result<impl Into<Fact>, SceneError>) -> Result<(), SceneError> {
        match seen {
            Err(SceneError::Skip(reason)) => self.skip(id, reason),
            seen => self.observe(id, seen?),
        }
        Ok(())
    }

    /// Hands in what a call returned for the claim `id`. The rest of the scene presupposes that it succeeded.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where it failed.
    pub fn observe_success<T>(&self, id: &str, result: Call<T>) -> Result<(), SceneError>
    where
        Call<T>: Into<Fact>,
    {
        let success = self.attempt(id, result)?;
        self.observe(id, Call::Ok(success));
        Ok(())
    }

    /// Makes calls whose failure is an answer to the claim `id`, and hands their error in as what was seen. The rest of
    /// the scene presupposes that they succeed.
    ///
    /// # Errors
    /// [`SceneError::Skip`] where they failed.
    pub fn attempt<T>(&self, id: &str, result: Call<T>) -> Result<T, SceneError> {
        self.answer(result)?.map_err(|error| {
            let reason = format!("{}: {}", error.operation, error.error);
            self.observe(id, error);
            SceneError::Skip(reason)
        })
    }

    /// A call's result that is an answer to some claim, whether it succeeded or not.
    ///
    /// # Errors
    /// [`SceneError::Call`] where it failed for want of something that has nothing to do with it.
    pub fn answer<T>(&self, result: Call<T>) -> Result<Call<T>, SceneError> {
        match result {
            Err(error) if error.is_of_the_environment() => Err(error.into()),
            result => Ok(result),
        }
    }

    /// Makes `calls`; where one of them does not return, that is the answer to the claim `id`.
    pub fn while_it_may_hang<T>(&self, id: &str, calls: impl FnOnce() -> T) -> T {
        let set = |row| *lock(&self.in_progress) = row;
        set(Some(id.to_owned()));
        let result = calls();
        set(None);
        result
    }

    /// A result of a call for one datagram, sent while nothing else is under way, where the lack of memory is the
    /// machine's and no receiver's.
    ///
    /// # Errors
    /// As for [`answer`](Self::answer).
    pub fn answer_of_one<T>(&self, result: Call<T>) -> Result<Call<T>, SceneError> {
        match result {
            Err(error) if error.is_of_memory() => Err(error.into()),
            result => self.answer(result),
        }
    }
}

/// What a scene has left: it is read when the scene is over, also where that has not ended by itself.
pub(crate) struct Evidence {
    context: Arc<SceneContext>,
    claims: Arc<[Claim]>,
    observations: Observations,
    in_progress: Arc<Mutex<Option<String>>>,
}

impl Evidence {
    /// Why a difference that was observed would be no evidence: a queue of the scene ran full that was not meant to.
    /// Known once its endpoints are closed.
    pub(crate) fn inconclusive(&self) -> Option<String> {
        self.context.inconclusive.get().cloned()
    }

    /// Whether the scene has a port of `loopback` where nobody listens: silence there may be that of a firewall.
    pub(crate) fn has_closed_port(&self, loopback: IpAddr) -> bool {
        self.context.directory.has_closed_port(loopback)
    }

    /// One observation for each claim, in their order; those that are open are skipped, where the scene ended early for
    /// the reason `ended`.
    ///
    /// # Errors
    /// [`SceneError::Defect`] when a claim was observed twice or never, or something else was observed.
    pub(crate) fn close(self, ended: Option<&SceneError>) -> Result<Vec<Observation>, SceneError> {
        let Evidence { claims, observations, in_progress, .. } = self;
        let mut observations = std::mem::take(&mut *lock(&observations));
        if matches!(ended, Some(SceneError::Hung(_)))
            && let Some(row) = lock(&in_progress).take()
        {
            observations.push((row, Observation::Seen(Fact::from("a call that does not return"))));
        }
        let mut matched = Vec::with_capacity(claims.len());
        for claim in claims.iter() {
            let place = observations.iter().position(|(id, _)| *id == claim.id);
            matched.push(match (place, claim.expected.on(HERE), ended) {
                (Some(place), ..) => observations.remove(place).1,
                (None, Expect::Absent(reason), _) => Observation::Skipped((*reason).into()),
                (None, _, Some(ended)) => Observation::Skipped(ended.reason()),
                (None, _, None) => return Err(SceneError::Defect(format!("`{}` was never observed", claim.id))),
            });
        }
        match observations.first() {
            None => Ok(matched),
            Some((id, _)) if claims.iter().any(|claim| claim.id == *id) => {
                Err(SceneError::Defect(format!("`{id}` was observed twice")))
            }
            Some((id, _)) => Err(SceneError::Defect(format!("`{id}` was observed and never claimed"))),
        }
    }
}
