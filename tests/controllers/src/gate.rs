//! Where handlers wait until the test lets them go on.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// A gate for handlers; clones are the same gate.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Semaphore>);

impl Default for Gate {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }
}

impl Gate {
    /// Waits for the test.
    pub async fn pass(&self) {
        if let Ok(permit) = self.0.acquire().await {
            permit.forget();
        }
    }

    /// Lets one handler go on.
    pub fn let_one(&self) {
        self.0.add_permits(1);
    }

    /// Lets everybody go on, from now on.
    pub fn open(&self) {
        self.0.close();
    }
}
