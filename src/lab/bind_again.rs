//! Whether an address is free as soon as its socket is closed.

use std::sync::Arc;

use super::{CallError, Endpoint, SceneError, Target};
use crate::kernel::{self, HERE};
use crate::vocabulary::{Fact, SocketError};

impl Endpoint {
    /// Closes the socket and at once binds a new one to the same address: `success`, or the error.
    ///
    /// # Errors
    /// [`SceneError::Skip`] when the system says that the address is in use, and another socket may have it.
    pub fn close_and_bind_again(self) -> Result<Fact, SceneError> {
        let (name, address, context) = (self.name().to_owned(), self.address(), Arc::clone(self.context()));
        // Every moment in between is one in which another program may be given the port.
        let again = Arc::clone(&context).at_once(|| {
            self.close();
            let again = Endpoint::open(&name, address, context)?;
            Ok::<_, CallError>(again.bind(address))
        });
        match again? {
            Err(error) if error.error.is(SocketError::AddressInUse, HERE) => {
                let seen = match kernel::udp_port_in_use(address.port()) {
                    Ok(false) => return Ok(error.into()),
                    Ok(true) => "another socket has the port by now",
                    Err(_) => "another socket may have the port by now",
                };
                Err(SceneError::Skip(format!("{}: {}; {seen}", error.operation, error.error)))
            }
            result => Ok(result.into()),
        }
    }
}
