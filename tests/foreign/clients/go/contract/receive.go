package contract

// Event is what two libraries of one origin hand over, each by a type of its own.
type Event interface {
	Id() string
	Event() string
	Data() string
}

// Receive tells what arrives on the two channels of such a library, until there are no more events.
func Receive[E Event](events <-chan E, errors <-chan error) {
	for {
		select {
		case event, open := <-events:
			if !open {
				Ended()
				return
			}
			Handed(event.Event(), event.Data(), event.Id())
		case err := <-errors:
			Failed(err)
		}
	}
}
