//! Pages of lists: the token that a request brings, and the one that its answer takes along.

use poolhouse_domain::{Fault, paging, ports::Ports};
use poolhouse_wire::{Permits, codes};
use serde::{Serialize, de::DeserializeOwned};

use crate::failure::{Unanswered, invalid_parameter};

/// Rows of a page for a request that does not say how many, or says 0.
const USUAL_SIZE: u32 = 60;

/// How many rows a page may have.
pub(crate) fn size(wanted: Option<i32>) -> usize {
    let wanted = wanted.and_then(|wanted| u32::try_from(wanted).ok()).filter(|wanted| *wanted > 0);
    usize::try_from(wanted.unwrap_or(USUAL_SIZE)).unwrap_or(usize::MAX)
}

/// How many rows to ask the store for: one more than the page shows tells whether it is the last.
pub(crate) fn fetch(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(USUAL_SIZE).saturating_add(1)
}

/// The row after which the page begins, from the request's token. `list` names the operation and
/// everything that selects its rows.
pub(crate) fn start<Op, C>(
    ports: &Ports,
    list: &str,
    token: Option<&str>,
) -> Result<Option<C>, Unanswered<Op>>
where
    Op: Permits<codes::InvalidParameterException>,
    C: DeserializeOwned,
{
    let Some(token) = token else { return Ok(None) };
    let position = paging::position(&ports.keyring, list, token, ports.clock.now());
    // The text is a belief.
    Ok(Some(position.map_err(|_| invalid_parameter("Invalid pagination token given."))?))
}

/// Cuts what was fetched to the size of the page, and makes the token for the next page if there
/// is one. `cursor` names a row.
pub(crate) fn cut<T, C: Serialize>(
    ports: &Ports,
    list: &str,
    rows: &mut Vec<T>,
    size: usize,
    cursor: impl FnOnce(&T) -> C,
) -> Result<Option<String>, Fault> {
    if rows.len() <= size {
        return Ok(None);
    }
    rows.truncate(size);
    let Some(last) = rows.last() else {
        return Ok(None);
    };
    let now = ports.clock.now();
    paging::token(&ports.keyring, &*ports.entropy, list, &cursor(last), now).map(Some)
}
