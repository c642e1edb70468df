//! The kit: what screens are made of. Folders of nouns share through here and nowhere else.

pub mod address;
pub mod chart;
pub mod checks;
pub mod countdown;
pub mod customers;
pub mod dialog;
pub mod directory;
pub mod duration;
pub mod file;
pub mod form;
pub mod icon;
pub mod list;
pub mod live;
pub mod load;
pub mod made_here;
pub mod menu;
pub mod number;
pub mod object;
pub mod options;
pub mod page;
pub mod pause;
pub mod period;
pub mod post;
pub mod progress;
pub mod second_factor;
pub mod sessions;
pub mod settings;
pub mod status;
pub mod table;
pub mod ticks;
pub mod time;
pub mod toast;
pub mod why;

/// What nearly every page uses.
pub mod prelude {
    pub use leptos::prelude::*;

    pub use super::{
        address::{ListQuery, use_address},
        dialog::{Dialog, DialogFoot},
        form::{Choice, Done, ErrorNote, Field, Kind, PostForm, Submit, Switch, use_post},
        icon::Icon,
        list::{
            ChosenChip, ExportCsv, FilterChip, Head, ListBar, Pager, SortHead, Total, TotalOf,
            options,
        },
        live::{follow_idle, follow_while, use_changes},
        load::{Empty, Load, NoMatch},
        number::{Num, counted, grouped},
        page::{PageHead, Tabs},
        status::{InDirectory, Mark, Source, Status, Tag, YesNo},
        time::{ExactTime, RelativeTime, exact},
        toast::use_toasts,
    };
    pub use crate::{
        error::{AppError, AppResult},
        routes,
    };
}
