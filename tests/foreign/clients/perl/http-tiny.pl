#!/usr/bin/perl
# Perl's own HTTP::Tiny and a loop over lines that knows `data:` only.

use strict;
use warnings;

use HTTP::Tiny;
use JSON::PP;

$| = 1;
my ($url, @options) = @ARGV;
my $parse = grep { $_ eq '--parse' } @options;
my $json = JSON::PP->new->canonical->allow_nonref;

my $buffer = '';
my $response = HTTP::Tiny->new->get($url, {
    data_callback => sub {
        $buffer .= $_[0];
        while ($buffer =~ s/^(.*)\n//) {
            my $line = $1;
            next unless $line =~ s/^data: ?//;
            $json->utf8->decode($line) if $parse;
            print $json->utf8(0)->encode({ event => undef, data => $line, id => undef }), "\n";
        }
    },
});
print $json->encode({ error => $response->{content} || $response->{reason} }), "\n" unless $response->{success};
print $json->encode({ ended => JSON::PP::true }), "\n";
