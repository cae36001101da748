//! Draws what the model knows. Pure: the same model gives the same screen.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph, Row, Table};

use super::model::{Channel, Mode, Source, TopModel, Turn};
use crate::cli::age::age;
use crate::cli::incident::told;
use crate::cli::shapes::Incident;
use crate::domain::Timestamp;

/// Whether colours are used; they are never the only sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    Colour,
    Plain,
}

/// From this width on, sources and channels stand side by side.
const WIDE: u16 = 110;

pub(super) fn draw(frame: &mut Frame<'_>, model: &TopModel, now: Timestamp, paint: Paint) {
    let (sources, channels) = (model.sources(), model.channels());
    let wide = frame.area().width >= WIDE;
    let rows = |count: usize| u16::try_from(count).unwrap_or(u16::MAX).saturating_add(1);
    let (left, right) = (rows(sources.len()), rows(channels.len()));
    let tables = if wide { left.max(right) } else { left.saturating_add(right).saturating_add(1) };
    let banner = u16::from(model.lost.is_some());
    let [head, lost, tables, _, incidents, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(banner),
        Constraint::Length(tables),
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(header(model, now, paint), head);
    if let Some(why) = &model.lost {
        let banner = format!(" the server is lost, trying again: {why}");
        frame.render_widget(Paragraph::new(banner).style(loud(paint)), lost);
    }
    let [left, right] = if wide {
        Layout::horizontal([Constraint::Percentage(48), Constraint::Fill(1)]).spacing(2).areas(tables)
    } else {
        Layout::vertical([Constraint::Length(left), Constraint::Fill(1)]).spacing(1).areas(tables)
    };
    frame.render_widget(source_table(&sources, model, paint), left);
    frame.render_widget(channel_table(&channels, model, paint), right);
    frame.render_widget(incident_table(&model.needing(), model, now, paint), incidents);
    frame.render_widget(footer(model), foot);
    if model.view.mode == Mode::Helping {
        help(frame);
    }
}

fn header(model: &TopModel, now: Timestamp, paint: Paint) -> Line<'static> {
    let Some((status, is_ready)) = model.status() else {
        return Line::from("foghorn top: the store is away, nothing is known yet");
    };
    let ready = match (&model.lost, is_ready) {
        (Some(_), _) => Span::styled("LOST", coloured(paint, Color::Red)),
        (None, true) => Span::styled("ready", coloured(paint, Color::Green)),
        (None, false) => Span::styled("NOT READY", coloured(paint, Color::Red)),
    };
    let up = format!("   up {}", age(status.started_at, now));
    let (events, sends) = (
        model.rate("foghorn_events_received_total", &[]),
        model.rate("foghorn_deliveries_total", &[("result", "sent")]),
    );
    let bold = Style::new().add_modifier(Modifier::BOLD);
    Line::from(vec![
        Span::styled(format!("foghorn {}   ", status.version), bold),
        ready,
        Span::raw(format!(
            "{up}   events {events:.1}/s   sends {sends:.1}/s   {}",
            now.strftime("%H:%M:%SZ")
        )),
    ])
}

fn footer(model: &TopModel) -> Line<'static> {
    match (model.view.mode, model.view.filter.as_str()) {
        (Mode::Typing, filter) => Line::from(format!("/{filter}▏ Enter keeps it, Esc drops it")),
        (_, "") => Line::from("q quit   1-9 sort   / filter   ? help"),
        (_, filter) => Line::from(format!("only \"{filter}\": Esc shows all   q quit   ? help")),
    }
}

fn help(frame: &mut Frame<'_>) {
    let text = "\
 q, Ctrl-C   quit
 /           show only what contains …
 Esc         show all
 1-9         sort; again turns it round
   1 name  2 state  3 rate  4 lag, p95
   5 rejected, retrying  6 dead
   7 number  8 severity  9 age
 p95         of the last minute
 Any key goes back.";
    let area = frame.area();
    let (width, height) = (44.min(area.width), 11.min(area.height));
    let place =
        Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    frame.render_widget(Clear, place);
    let block = ratatui::widgets::Block::bordered().title(" keys ");
    frame.render_widget(Paragraph::new(text).block(block), place);
}

/// The names of columns; the one that is sorted by says so.
fn heading<const N: usize>(model: &TopModel, columns: [(u8, &str); N]) -> Row<'static> {
    let named = columns.map(|(number, name)| match model.view.sort {
        Some((column, Turn::First)) if column == number => format!("{name}↓"),
        Some((column, Turn::Reversed)) if column == number => format!("{name}↑"),
        _ => name.to_owned(),
    });
    Row::new(named).style(Style::new().add_modifier(Modifier::BOLD))
}

fn source_table(sources: &[Source], model: &TopModel, paint: Paint) -> Table<'static> {
    let columns = [(1, "SOURCE"), (2, "STATE"), (3, "IN/s"), (4, "LAG"), (5, "REJECTED")];
    let rows = sources.iter().map(|source| {
        let cells = [
            source.name.clone(),
            source.state.clone(),
            format!("{:.1}", source.rate),
            source.lag.map_or("–".to_owned(), |lag| format!("{lag}")),
            format!("{}", source.rejected),
        ];
        Row::new(cells).style(by_state(&source.state, paint))
    });
    let widths = [
        Constraint::Fill(1),
        Constraint::Length(10),
        Constraint::Length(7),
        Constraint::Length(8),
        Constraint::Length(9),
    ];
    Table::new(rows, widths).header(heading(model, columns)).column_spacing(1)
}

fn channel_table(channels: &[Channel], model: &TopModel, paint: Paint) -> Table<'static> {
    let columns = [(1, "CHANNEL"), (2, "STATE"), (3, "SEND/s"), (4, "p95"), (5, "RETRYING"), (6, "DEAD")];
    let rows = channels.iter().map(|channel| {
        let cells = [
            channel.name.clone(),
            channel.state.clone(),
            format!("{:.1}", channel.rate),
            channel.p95.map_or("–".to_owned(), |p95| format!("{p95:.3}s")),
            format!("{}", channel.retrying),
            format!("{}", channel.dead),
        ];
        Row::new(cells).style(by_state(&channel.state, paint))
    });
    let widths = [
        Constraint::Fill(1),
        Constraint::Length(10),
        Constraint::Length(7),
        Constraint::Length(8),
        Constraint::Length(9),
        Constraint::Length(6),
    ];
    Table::new(rows, widths).header(heading(model, columns)).column_spacing(1)
}

fn incident_table(incidents: &[&Incident], model: &TopModel, now: Timestamp, paint: Paint) -> Table<'static> {
    let columns = [
        (7, "NEEDS SOMEBODY"),
        (8, "SEV"),
        (0, "STATUS"),
        (9, "AGE"),
        (0, "SERVICE"),
        (0, "TITLE"),
        (0, "TOLD"),
    ];
    let rows = incidents.iter().map(|incident| {
        let cells = [
            format!("#{}", incident.number),
            incident.severity.clone(),
            incident.status.clone(),
            age(incident.opened_at, now),
            incident.service.clone().unwrap_or_else(|| "–".to_owned()),
            incident.title.clone(),
            told(incident),
        ];
        let colour = match incident.severity.as_str() {
            "critical" => coloured(paint, Color::Red),
            "high" => coloured(paint, Color::Yellow),
            _ => Style::new(),
        };
        Row::new(cells).style(colour)
    });
    let widths = [
        Constraint::Length(15),
        Constraint::Length(8),
        Constraint::Length(12),
        Constraint::Length(4),
        Constraint::Length(16),
        Constraint::Fill(1),
        Constraint::Length(20),
    ];
    Table::new(rows, widths).header(heading(model, columns)).column_spacing(1)
}

fn by_state(state: &str, paint: Paint) -> Style {
    match state {
        "DOWN" => coloured(paint, Color::Red),
        "degraded" | "paused" | "connecting" => coloured(paint, Color::Yellow),
        _ => Style::new(),
    }
}

fn coloured(paint: Paint, colour: Color) -> Style {
    match paint {
        Paint::Colour => Style::new().fg(colour),
        Paint::Plain => Style::new(),
    }
}

fn loud(paint: Paint) -> Style {
    match paint {
        Paint::Colour => Style::new().bg(Color::Red).fg(Color::White),
        Paint::Plain => Style::new().add_modifier(Modifier::REVERSED),
    }
}
