//! Whose something is.

use serde::{Deserialize, Serialize};

use crate::{OwnerName, TenantName, token};

/// Whose something is: a tenant pays for it, and a name within the tenant sees it. Both are part of
/// every name under which something is stored: what is not theirs cannot even be looked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Owner {
    /// Who pays.
    pub tenant: TenantName,
    /// Who sees it.
    pub name: OwnerName,
}

impl Owner {
    /// The only one while nobody needs a key.
    pub fn local() -> Self {
        Self { tenant: TenantName::local(), name: OwnerName::local() }
    }

    /// Two subject tokens.
    pub(crate) fn tokens(&self) -> String {
        format!("{}.{}", token::of(self.tenant.as_str()), token::of(self.name.as_str()))
    }

    /// Reads them back.
    pub(crate) fn of_tokens(tenant: &str, name: &str) -> Option<Self> {
        let tenant = token::read(tenant)?.parse().ok()?;
        let name = token::read(name)?.parse().ok()?;
        Some(Self { tenant, name })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_owner_is_two_tokens_and_nobody_elses(
            [a, b, c, d] in prop::array::uniform4("[^\\p{Cc}]{1,12}"),
        ) {
            let one = Owner { tenant: a.parse().unwrap(), name: b.parse().unwrap() };
            let other = Owner { tenant: c.parse().unwrap(), name: d.parse().unwrap() };

            let tokens = one.tokens();
            let (tenant, name) = tokens.split_once('.').unwrap();

            prop_assert!(!name.contains('.'));
            prop_assert_eq!(Owner::of_tokens(tenant, name), Some(one.clone()));
            prop_assert_eq!(one == other, tokens == other.tokens());
        }
    }
}
