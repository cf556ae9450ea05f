// github.com/launchdarkly/eventsource, with Subscribe.
package main

import (
	"github.com/launchdarkly/eventsource"

	"tidings/clients/contract"
)

func main() {
	stream, err := eventsource.Subscribe(contract.URL(), "")
	if err != nil {
		contract.Failed(err)
		contract.Ended()
		return
	}
	for {
		select {
		case event, open := <-stream.Events:
			if !open {
				contract.Ended()
				return
			}
			contract.Handed(event.Event(), event.Data(), event.Id())
		case err := <-stream.Errors:
			contract.Failed(err)
		}
	}
}
