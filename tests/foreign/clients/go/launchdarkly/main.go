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
	contract.Receive(stream.Events, stream.Errors)
}
