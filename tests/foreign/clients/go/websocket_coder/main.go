// github.com/coder/websocket: connects to the first argument, prints each message as a line, and sends each line of stdin.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"

	"github.com/coder/websocket"
)

func main() {
	ctx := context.Background()
	options := &websocket.DialOptions{
		Subprotocols:    []string{"tidings.v1"},
		CompressionMode: websocket.CompressionNoContextTakeover,
	}
	socket, _, err := websocket.Dial(ctx, os.Args[1], options)
	if err != nil {
		panic(err)
	}
	socket.SetReadLimit(-1)
	fmt.Printf("{\"protocol\":%q}\n", socket.Subprotocol())
	go send(ctx, socket)
	for {
		_, message, err := socket.Read(ctx)
		if code := websocket.CloseStatus(err); code != -1 {
			fmt.Printf("{\"closed\":%d}\n", code)
			return
		}
		if err != nil {
			// It has closed the socket itself.
			fmt.Println("{\"closed\":1000}")
			return
		}
		fmt.Printf("%s\n", message)
	}
}

func send(ctx context.Context, socket *websocket.Conn) {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		if err := socket.Write(ctx, websocket.MessageText, lines.Bytes()); err != nil {
			return
		}
	}
	_ = socket.Close(websocket.StatusNormalClosure, "")
}
