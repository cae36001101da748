//! The commands that make a process: `serve` and `dev`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::print::{refuse, say};
use super::{DevArgs, Exit, ServeArgs, first_token};
use crate::catalogue::Code;
use crate::config::{self, LogFormat, Problem};
use crate::daemon::StartError;
use crate::daemon::dev::{self, Show};
use crate::daemon::serve::{Ended, ServeError, Serving};
use crate::daemon::service_manager::ServiceManager;
use crate::messages::supervisor::Fatality;
use crate::store::open::OpenError;
use crate::telemetry::logs;

/// The environment, as far as it is text.
pub(super) fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Runs until a signal or a fatality.
pub(super) async fn serve(args: &ServeArgs) -> Exit {
    let loaded = match config::load(args.config.as_deref(), &environment()) {
        Ok(loaded) => loaded,
        Err(problems) => return invalid(&problems),
    };
    if let Err(error) = start_logs(&loaded.config.logs.level, loaded.config.logs.format) {
        refuse(Code::WrongValue, &error);
        return Exit::InvalidConfig;
    }
    for warning in &loaded.warnings {
        tracing::warn!("{}", warning.render());
    }
    let file = args.config.clone();
    // Variables are those of the start: nobody can change them from outside.
    let reread = Arc::new(move || config::load(file.as_deref(), &environment()));
    match Serving::start(&loaded, reread).await {
        Ok(serving) => {
            first_token::tell(&serving, &loaded.config).await.iter().for_each(|line| say(line));
            exit_of(&serving.watched_by(ServiceManager::of(&environment())).run().await)
        }
        Err(error) => refused(&error),
    }
}

/// Runs on nothing, until a signal.
pub(super) async fn dev(args: &DevArgs) -> Exit {
    if let Err(error) = start_logs("warn", LogFormat::Auto) {
        refuse(Code::Internal, &error);
        return Exit::Failed;
    }
    let show = if args.demo { Show::Demo } else { Show::Nothing };
    match dev::run(args.port, show, &environment()).await {
        Ok(ended) => exit_of(&ended),
        Err(dev::DevError::Serve(error)) => refused(&error),
        Err(dev::DevError::Config(problems)) => invalid(&problems),
        Err(dev::DevError::Output(error)) => {
            refuse(Code::CannotWrite, &error);
            Exit::Failed
        }
        Err(error @ dev::DevError::Broker(_)) => {
            refuse(Code::Internal, &error);
            Exit::Failed
        }
    }
}

fn start_logs(level: &str, format: LogFormat) -> Result<(), String> {
    let format = match format {
        LogFormat::Auto => logs::LogFormat::Auto,
        LogFormat::Pretty => logs::LogFormat::Pretty,
        LogFormat::Json => logs::LogFormat::Json,
    };
    logs::init(level, format).map_err(|error| error.to_string())
}

pub(super) fn invalid(problems: &[Problem]) -> Exit {
    for problem in problems {
        for line in problem.render().lines() {
            say(line);
        }
    }
    Exit::InvalidConfig
}

fn refused(error: &ServeError) -> Exit {
    let (exit, code) = match error {
        ServeError::Listen { .. } | ServeError::Socket { .. } => (Exit::Unreachable, Code::CannotListen),
        ServeError::Store(error) => unopened(error),
        ServeError::Start(StartError::Store(_)) => (Exit::Unreachable, Code::StoreUnreachable),
        // What `check` finds too, unless it came about since.
        ServeError::Assembly(_) => (Exit::InvalidConfig, Code::WrongValue),
        ServeError::Start(StartError::Tree(_)) | ServeError::Signals(_) => (Exit::Failed, Code::Internal),
    };
    refuse(code, error);
    exit
}

/// How it ends when the store cannot be opened.
pub(super) fn unopened(error: &OpenError) -> (Exit, Code) {
    match error {
        OpenError::Url(_) => (Exit::InvalidConfig, Code::WrongValue),
        OpenError::NewerSchema { .. } => (Exit::InvalidConfig, Code::NewerSchema),
        OpenError::OlderSchema { .. } => (Exit::InvalidConfig, Code::OlderSchema),
        OpenError::Foreign { .. } => (Exit::InvalidConfig, Code::ForeignDatabase),
        OpenError::ReadOnly { .. } => (Exit::InvalidConfig, Code::StoreReadOnly),
        OpenError::NotDurable { .. } => (Exit::InvalidConfig, Code::NotDurable),
        OpenError::InUse { .. } => (Exit::Unreachable, Code::StoreInUse),
        OpenError::Unreachable(_) => (Exit::Unreachable, Code::StoreUnreachable),
    }
}

/// How it ends; over a fatality, its last words are what happened and what to do.
fn exit_of(ended: &Ended) -> Exit {
    logs::finish();
    if let Ended::Fatal(fatality) = ended {
        refuse(fatality.code(), fatality);
    }
    match ended {
        Ended::Drained | Ended::OutOfTime => Exit::Done,
        Ended::Interrupted => Exit::Interrupted,
        Ended::Fatal(Fatality::StorageBroken(_)) => Exit::StorageBroken,
        Ended::Fatal(Fatality::Fenced(_) | Fatality::BudgetSpent(_)) => Exit::Crashed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Effect;

    #[test]
    fn a_fatality_ends_with_the_exit_code_of_its_page() {
        let why = || "why".to_owned();
        for fatality in
            [Fatality::Fenced(why()), Fatality::StorageBroken(why()), Fatality::BudgetSpent(why())]
        {
            let code = fatality.code();
            let exit = exit_of(&Ended::Fatal(fatality)).code();
            assert_eq!(code.effect(), Effect::Stops(exit), "{code}");
        }
    }
}
