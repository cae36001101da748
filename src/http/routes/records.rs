//! Users, teams, policies, routes, silences and templates as the tables of the configuration that they are.

use super::{ADMIN, READ, RESPOND, whole_list};
use crate::domain::record::Section;
use crate::http::openapi::Tag::{People, Routing, Templates};
use crate::http::openapi::{Ask, Kind, Say, Tag};
use crate::http::records::{self, StoredView, View, Write};
use crate::http::rule::Verb::{Delete, Get, Patch, Post, Put};
use crate::http::rule::{Needs, Route, made, route};
use crate::http::templates;
use crate::store::views::Page;
use serde_json::{Value, json};

const IF_MATCH: Ask =
    Ask("If-Match", Kind::Text, "Only if this is still its version, as `ETag` said: `\"v9\"`; or `*`.");
const IF_NONE_MATCH: Ask = Ask("If-None-Match", Kind::Text, "`*`: only if there is none.");

/// All of them.
pub(super) fn all() -> impl Iterator<Item = Route> {
    looked_at()
        .into_iter()
        .chain([users(), teams(), policies(), routes(), silences(), of_templates()].into_iter().flatten())
}

/// Where lists and views have more to say than what was written, they have rows of their own.
fn looked_at() -> Vec<Route> {
    vec![
        made(READ, Get, "/api/v1/records", records::stored()).told(
            Routing,
            "list_records",
            "Users, teams, policies, routes, silences and templates of the store, in use or left out",
            |say| whole_list(say).answers::<Page<StoredView>>(200),
        ),
        made(READ, Get, "/api/v1/users", records::list(Section::Users)).told(
            People,
            "list_users",
            "Users",
            |say| whole_list(say).answers::<Page<View>>(200),
        ),
        made(READ, Get, "/api/v1/users/{name}", records::show(Section::Users)).told(
            People,
            "show_user",
            "One user",
            shown,
        ),
        made(READ, Get, "/api/v1/teams/{name}", records::show(Section::Teams)).told(
            People,
            "show_team",
            "One team",
            shown,
        ),
        made(READ, Get, "/api/v1/silences/{name}", records::show(Section::Silences)).told(
            Routing,
            "show_silence",
            "One silence",
            shown,
        ),
        made(READ, Get, "/api/v1/templates", records::list(Section::Templates)).told(
            Templates,
            "list_templates",
            "Templates: what is built in, and what is said instead",
            |say| whole_list(say).answers::<Page<View>>(200),
        ),
        made(READ, Get, "/api/v1/templates/{name}", records::show(Section::Templates)).told(
            Templates,
            "show_template",
            "One template",
            shown,
        ),
        route(READ, Post, "/api/v1/templates/{name}/render", templates::render).told(
            Templates,
            "render_template",
            "What a template would say",
            |say| {
                let example = json!({ "channel": "sms", "variables": { "username": "Ada" } });
                one(say).takes::<templates::Wish>(example).answers::<templates::Rendered>(200).refuses(&[422])
            },
        ),
    ]
}

/// What a section is called, and how one of it is written.
struct Told {
    needs: Needs,
    section: Section,
    tag: Tag,
    /// The section, and one of it.
    paths: [&'static str; 2],
    /// Of adding, replacing, changing and removing: its name, and what it does.
    ids: [(&'static str, &'static str); 4],
    new: fn(Say) -> Say,
    whole: fn(Say) -> Say,
    part: fn(Say) -> Say,
}

impl Told {
    fn rows(self) -> [Route; 4] {
        let Self { needs, section, tag, paths: [all, one], ids, new, whole, part } = self;
        let [add, replace, change, remove] = ids;
        [
            made(needs, Post, all, records::add(section)).told(tag, add.0, add.1, new),
            made(needs, Put, one, records::write(section, Write::Whole))
                .told(tag, replace.0, replace.1, whole),
            made(needs, Patch, one, records::write(section, Write::Part)).told(tag, change.0, change.1, part),
            made(needs, Delete, one, records::remove(section)).told(tag, remove.0, remove.1, removed),
        ]
    }
}

fn users() -> [Route; 4] {
    Told {
        needs: ADMIN,
        section: Section::Users,
        tag: People,
        paths: ["/api/v1/users", "/api/v1/users/{name}"],
        ids: [
            ("add_user", "Adds a user"),
            ("replace_user", "Says anew who a user is"),
            ("change_user", "Changes what is said of a user"),
            ("remove_user", "A user is not told of anything any more"),
        ],
        new: |say| {
            added(
                say,
                Section::Users,
                json!({ "name": "grace", "document": { "email": "grace@example.com" } }),
            )
        },
        whole: |say| {
            written(say, Section::Users, json!({ "email": "grace@example.com", "phone": "+15550112" }))
        },
        part: |say| written(say, Section::Users, json!({ "phone": "+15550113" })),
    }
    .rows()
}

fn teams() -> [Route; 4] {
    Told {
        needs: ADMIN,
        section: Section::Teams,
        tag: People,
        paths: ["/api/v1/teams", "/api/v1/teams/{name}"],
        ids: [
            ("add_team", "Adds a team"),
            ("replace_team", "Says anew who is of a team"),
            ("change_team", "Changes what is said of a team"),
            ("remove_team", "A team is not there any more"),
        ],
        new: |say| {
            added(say, Section::Teams, json!({ "name": "search", "document": { "members": ["ada"] } }))
        },
        whole: |say| written(say, Section::Teams, json!({ "members": ["ada"] })),
        part: |say| written(say, Section::Teams, json!({ "members": ["ada"] })),
    }
    .rows()
}

fn policies() -> [Route; 4] {
    Told {
        needs: ADMIN,
        section: Section::Policies,
        tag: Routing,
        paths: ["/api/v1/policies", "/api/v1/policies/{name}"],
        ids: [
            ("add_policy", "Adds a policy"),
            ("replace_policy", "Says anew who is told, and when nobody answers"),
            ("change_policy", "Changes what is said of a policy"),
            ("remove_policy", "A policy is not there any more"),
        ],
        new: |say| {
            let steps = json!([{ "notify": ["user:ada"], "via": ["email"] }]);
            added(say, Section::Policies, json!({ "name": "search", "document": { "steps": steps } }))
        },
        whole: |say| {
            written(
                say,
                Section::Policies,
                json!({ "steps": [{ "notify": ["user:ada"], "via": ["email"] }] }),
            )
        },
        part: |say| written(say, Section::Policies, json!({ "ack_timeout": "30m" })),
    }
    .rows()
}

fn routes() -> [Route; 4] {
    Told {
        needs: ADMIN,
        section: Section::Routes,
        tag: Routing,
        paths: ["/api/v1/routes", "/api/v1/routes/{name}"],
        ids: [
            ("add_route", "Adds a route, above the last one"),
            ("replace_route", "Says anew what takes a route, and where it leads"),
            ("change_route", "Changes what is said of a route"),
            ("remove_route", "A route is not there any more"),
        ],
        new: |say| {
            let document = json!({ "match": { "service": "search-*" }, "policy": "default" });
            added(say, Section::Routes, json!({ "name": "search", "document": document }))
        },
        whole: |say| {
            written(say, Section::Routes, json!({ "match": { "service": "search-*" }, "policy": "default" }))
        },
        part: |say| written(say, Section::Routes, json!({ "match": { "service": "search-*" } })),
    }
    .rows()
}

fn silences() -> [Route; 4] {
    Told {
        needs: RESPOND,
        section: Section::Silences,
        tag: Routing,
        paths: ["/api/v1/silences", "/api/v1/silences/{name}"],
        ids: [
            ("add_silence", "Adds a silence"),
            ("replace_silence", "Says anew what is kept quiet, and until when"),
            ("change_silence", "Changes what is said of a silence"),
            ("remove_silence", "It is silent no more"),
        ],
        new: |say| {
            let document = json!({ "match": { "service": "search-*" }, "until": "2030-12-02T02:00:00" });
            added(say, Section::Silences, json!({ "name": "search-upgrade", "document": document }))
        },
        whole: |say| {
            written(
                say,
                Section::Silences,
                json!({ "match": { "service": "search-*" }, "until": "2030-12-02T03:00:00" }),
            )
        },
        part: |say| written(say, Section::Silences, json!({ "comment": "upgrade of the cluster" })),
    }
    .rows()
}

fn of_templates() -> [Route; 4] {
    Told {
        needs: ADMIN,
        section: Section::Templates,
        tag: Templates,
        paths: ["/api/v1/templates", "/api/v1/templates/{name}"],
        ids: [
            ("add_template", "Adds a template"),
            ("replace_template", "Says anew what a template says, one that is built in among them"),
            ("change_template", "Changes parts of a template"),
            ("remove_template", "A template is not said any more; what is built in of its name is again"),
        ],
        new: |say| {
            let document = json!({ "subject": "Invoice {{ number }}", "text": "Dear {{ name }}, …" });
            added(say, Section::Templates, json!({ "name": "invoice", "document": document }))
        },
        whole: |say| {
            written(
                say,
                Section::Templates,
                json!({ "subject": "Hello", "text": "Hello, all.", "html": "<p>Hello, all.</p>" }),
            )
        },
        part: |say| written(say, Section::Templates, json!({ "text": "Hello, everybody." })),
    }
    .rows()
}

fn one(say: Say) -> Say {
    say.by::<String>("Its name.")
}

fn shown(say: Say) -> Say {
    one(say).answers::<View>(200)
}

fn added(say: Say, section: Section, example: Value) -> Say {
    say.takes_new(section, example).answers::<View>(201).refuses(&[409, 422])
}

fn written(say: Say, section: Section, example: Value) -> Say {
    one(say)
        .wants(&[IF_MATCH, IF_NONE_MATCH])
        .takes_one(section, example)
        .answers::<View>(200)
        .answers::<View>(201)
        .refuses(&[409, 412, 422])
}

fn removed(say: Say) -> Say {
    one(say).wants(&[IF_MATCH]).answers::<View>(200).refuses(&[409, 412, 422])
}
