//! Parts of lists.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::lenient;
use crate::{problem::Problem, store::Cut};

/// A part of a list, and whether there is more behind `last_id`.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct List<T> {
    /// `list`.
    pub object: &'static str,
    /// In order.
    pub data: Vec<T>,
    /// The name of the first.
    pub first_id: Option<String>,
    /// The name of the last, which the next part begins behind.
    pub last_id: Option<String>,
    /// Whether there is more.
    pub has_more: bool,
}

impl<T> List<T> {
    /// Of these, by their names.
    pub fn new(data: Vec<T>, has_more: bool, id: impl Fn(&T) -> &String) -> Self {
        let (first_id, last_id) = (data.first().map(&id).cloned(), data.last().map(&id).cloned());
        // Without a last one there would be no end to asking for the next.
        Self { object: "list", has_more: has_more && last_id.is_some(), data, first_id, last_id }
    }
}

/// Which part of a list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// The name that it begins behind.
    #[serde(default, deserialize_with = "lenient::text")]
    pub after: Option<String>,
    /// The most of it: 0 to 100, and 20 if nothing is said.
    #[serde(default, deserialize_with = "lenient::value")]
    #[param(minimum = 0, maximum = 100)]
    pub limit: Option<u32>,
    /// Which come first.
    #[serde(default)]
    #[param(inline)]
    pub order: Order,
}

/// Which come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// The oldest.
    Asc,
    /// The newest.
    #[default]
    Desc,
}

impl ListQuery {
    const MOST: u32 = 100;
    const USUAL: u32 = 20;

    /// As the record is asked.
    ///
    /// # Errors
    /// More than there are in a part.
    pub fn cut(self) -> Result<Cut, Problem> {
        let limit = self.limit.unwrap_or(Self::USUAL);
        if limit > Self::MOST {
            return Err(Problem::value("limit", format!("expected 0 to {}", Self::MOST)));
        }
        Ok(Cut { after: self.after, limit, is_ascending: self.order == Order::Asc })
    }
}
