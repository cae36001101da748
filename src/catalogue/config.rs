//! What the configuration amounts to: who would hear of what, and who could get in.

use super::{Code, Effect, Entry};

pub(super) const ENTRIES: [Entry; 8] = [
    Entry {
        code: Code::UnknownPolicy,
        name: "FH0301",
        effect: Effect::Refuses,
        title: "A route points at a policy that does not exist",
        meaning: "Incidents on that route would reach nobody.",
        fix: "Create [policies.<name>], or correct the name; the message lists the policies that exist.",
    },
    Entry {
        code: Code::UnknownChannel,
        name: "FH0302",
        effect: Effect::Refuses,
        title: "A step sends by a channel that does not exist",
        meaning: "What that step should send would have no way out.",
        fix: "Create [channels.<name>], or correct the name in via; the message lists the channels that exist.",
    },
    Entry {
        code: Code::UnknownPerson,
        name: "FH0303",
        effect: Effect::Refuses,
        title: "A step or a team names somebody who does not exist",
        meaning: "Who is meant to hear of an incident would not.",
        fix: "Create [users.<name>] or [teams.<name>], or correct the name; the message lists those that exist.",
    },
    Entry {
        code: Code::NoRoute,
        name: "FH0304",
        effect: Effect::Warns,
        title: "Some incidents match no route",
        meaning: "An incident that no route takes is recorded and counted, and nobody is told.",
        fix: "End the list of routes with one that has no match, so that it takes the rest.",
    },
    Entry {
        code: Code::NobodyHears,
        name: "FH0305",
        effect: Effect::Warns,
        title: "A policy does not reach everybody it names",
        meaning: "It has no steps, nobody has a role that it names, or somebody has no address for the channels of a step.",
        fix: "Give those people an address for a channel in via, or name others; the message says who is out of reach and why.",
    },
    Entry {
        code: Code::NeverReached,
        name: "FH0306",
        effect: Effect::Warns,
        title: "A route never gets an incident",
        meaning: "The first route that matches takes an incident, and one above this takes everything.",
        fix: "Move it above the route that the message names, or take it out.",
    },
    Entry {
        code: Code::OpenWithoutAuth,
        name: "FH0404",
        effect: Effect::Refuses,
        title: "The API would be open to the network without a sign-in",
        meaning: "Everybody who can reach the port could read what is there and send messages, because nobody is asked for a token.",
        fix: "Write [auth] mode = \"token\", so that every request shows a token, or keep [http] listen on 127.0.0.1. If only those can connect who may do everything, write [auth] mode = \"trusted_network\".",
    },
    Entry {
        code: Code::OpenByChoice,
        name: "FH0409",
        effect: Effect::Warns,
        title: "Whoever can connect may do everything",
        meaning: "[auth] mode is \"trusted_network\" and Foghorn listens on more than loopback: everybody who can reach the port can read what is there and send messages. It is what the configuration asks for, and said so that nobody has it by mistake.",
        fix: "See to it that only those can connect who may do everything: publish the port of a container on 127.0.0.1 only, write a NetworkPolicy, or put a proxy before it that signs people in.",
    },
];
