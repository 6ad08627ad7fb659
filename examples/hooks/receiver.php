<?php

// A site that listens to a kaltura-mirror hook: it verifies each delivery and keeps a file an entry.
//
// Nothing but PHP 8. To try it:
//
//     WEBHOOK_SECRET=whsec_... SITE=site php -S 127.0.0.1:8000 receiver.php
//
// The secret is the hook's, in script_config.toml. While it is being exchanged, give both, with a space between. Behind a web
// server, SITE belongs outside of its document root, and PHP-FPM hands variables on only as its `env[...]` lines say.

declare(strict_types=1);

const TOLERANCE_SECONDS = 5 * 60;
const BODY_MAX_BYTES = 1 << 20;

// PHP only warns of a disk that is full or a folder that is not writable, and goes on. Here that is a failure.
set_error_handler(static function (int $severity, string $message): bool {
    throw new ErrorException($message, 0, $severity);
});

/** Whether one of our secrets signed exactly these bytes, lately. */
function is_genuine(string $delivery, string $timestamp, string $given, string $body): bool
{
    if (!preg_match('/^[0-9]{1,12}$/D', $timestamp) || abs(time() - (int) $timestamp) > TOLERANCE_SECONDS) {
        return false;
    }
    foreach (explode(' ', (string) getenv('WEBHOOK_SECRET')) as $secret) {
        $key = base64_decode(preg_replace('/^whsec_/', '', $secret), true);
        if ($key === false || $key === '') {
            continue;
        }
        $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$delivery.$timestamp.$body", $key, true));
        foreach (explode(' ', $given) as $signature) {
            if (hash_equals($expected, $signature)) {
                return true;
            }
        }
    }
    return false;
}

/** Does what a delivery asks for. The same delivery may come twice: what it did stays done. */
function take(string $site, string $delivery, object $event): void
{
    $seen = "$site/seen/" . preg_replace('/\W/', '_', $delivery);
    if (file_exists($seen)) {
        return;
    }
    if (str_starts_with($event->type, 'entry.')) {
        $page = "$site/entries/" . preg_replace('/\W/', '_', $event->data->id) . '.json';
        if ($event->type === 'entry.removed') {
            if (is_file($page)) {
                unlink($page);
            }
        } else {
            // Your code here: whatever the site does with an entry.
            $unfinished = $page . '.' . basename($seen);
            file_put_contents($unfinished, json_encode($event->data->entry, JSON_THROW_ON_ERROR));
            rename($unfinished, $page);
        }
    }
    // Any other type, such as "test", asks for nothing.
    touch($seen);
}

/** Makes a folder; another request may have been faster. */
function make_folder(string $folder): void
{
    try {
        is_dir($folder) || mkdir($folder, 0777, true);
    } catch (ErrorException $error) {
        clearstatcache();
        if (!is_dir($folder)) {
            throw $error;
        }
    }
}

$site = getenv('SITE') ?: 'site';
$header = static fn (string $name): string => $_SERVER['HTTP_WEBHOOK_' . $name] ?? '';
$body = (string) file_get_contents('php://input', false, null, 0, BODY_MAX_BYTES + 1);
if (strlen($body) > BODY_MAX_BYTES) {
    http_response_code(413);
} elseif (!is_genuine($header('ID'), $header('TIMESTAMP'), $header('SIGNATURE'), $body)) {
    http_response_code(401);
} else {
    try {
        make_folder("$site/entries");
        make_folder("$site/seen");
        take($site, $header('ID'), json_decode($body, false, 64, JSON_THROW_ON_ERROR));
        http_response_code(204);
    } catch (Throwable $error) {
        // Anything but 2xx is tried again later; why stays in our own log.
        error_log($header('ID') . ': ' . $error->getMessage());
        http_response_code(500);
    }
}
