//! A plan in a folder: a JSON Schema for each event, named after it, and beside them a `plan.toml` for the rest.
//! Which files a folder has, and how much of them is read, is a matter of the settings.

use super::mistake::{Mistake, Noted};
use super::{Plan, file, schema};
use footfall_event_model::{Event, check};

/// The file of a folder that is read as a plan's TOML: `other_events`, `[type.…]`, and events without a schema.
pub const TABLES: &str = "plan.toml";

/// One file of a plan's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanFile {
    /// Its name: [`TABLES`], or an event's name and `.schema.json` or `.json`.
    pub name: String,
    /// What stands in it.
    pub text: String,
}

impl Plan {
    /// Reads the plan that the files of a folder make up.
    ///
    /// # Errors
    /// Every [`Mistake`] with the name of its file, at most 100 of what stands in one schema.
    pub fn parse_folder(files: &[PlanFile]) -> Result<Self, Vec<(String, Mistake)>> {
        let mut plan = Self::default();
        let mut noted = Vec::new();
        // The tables first, so that it is a schema of which is told that it declares an event twice.
        let (tables, schemas): (Vec<_>, Vec<_>) = files.iter().partition(|file| file.name == TABLES);
        for file in tables {
            noted.push((file, file::read(&file.text, &mut plan)));
        }
        for file in schemas {
            let noted_here = plan.add_schema(file);
            noted.push((file, noted_here));
        }
        let mut mistakes = Vec::new();
        for (file, Noted { mistakes: mut here, successors }) in noted {
            here.extend(successors.into_iter().filter_map(|successor| successor.judge(&plan)));
            here.sort_by_key(|mistake| (mistake.line, mistake.column));
            mistakes.extend(here.into_iter().map(|mistake| (file.name.clone(), mistake)));
        }
        if plan.events.is_empty() && mistakes.is_empty() {
            mistakes.push((TABLES.to_owned(), Mistake::at("", 0, "event", file::NO_EVENT)));
        }
        if mistakes.is_empty() { Ok(plan) } else { Err(mistakes) }
    }

    fn add_schema(&mut self, file: &PlanFile) -> Noted {
        let (declared, mut noted) = schema::read(&file.text);
        let event = file.name.strip_suffix(".json").unwrap_or(&file.name);
        let event = event.strip_suffix(".schema").unwrap_or(event);
        let mut wrong =
            |message: String| noted.mistakes.push(Mistake::at(&file.text, 0, schema::ROOT, message));
        if let Err(found) = check(&Event::track(event)) {
            let told: Vec<_> = found.into_iter().map(|violation| violation.message).collect();
            wrong(format!("{}; an event is named as its file is: rename the file", told.join("; ")));
        } else if self.declares(event) {
            wrong(format!("declares {event:?} a second time: it stands in another file of the folder"));
        } else {
            self.events.insert(event.to_owned(), declared);
        }
        noted
    }
}
