# Sign every program, library and installer below the given paths that has no signature yet (Qt's libraries come with one), and
# check each signature. Needs signtool of the Windows SDK in PATH.
#   $env:SIGN_PFX, $env:SIGN_PASSWORD, $env:SIGN_TIMESTAMP: the certificate, its password, the address of a timestamp service
#   powershell -ExecutionPolicy Bypass -File installers\windows\sign.ps1 dist\alcove dist\alcove-0.1.0-x64.msi
$ErrorActionPreference = 'Stop'
if (-not ($args -and $env:SIGN_PFX -and $env:SIGN_TIMESTAMP)) { throw 'Name what is to be signed; SIGN_PFX, SIGN_PASSWORD and SIGN_TIMESTAMP say with what.' }

$found = Get-ChildItem $args -Recurse -File -Include '*.exe', '*.dll', '*.pyd', '*.msi'
$unsigned = $found | Where-Object { (Get-AuthenticodeSignature $_.FullName).Status -eq 'NotSigned' }
foreach ($file in $unsigned) {
    & signtool sign /q /fd SHA256 /td SHA256 /tr $env:SIGN_TIMESTAMP /d Alcove /f $env:SIGN_PFX /p $env:SIGN_PASSWORD $file.FullName
    if ($LASTEXITCODE) { throw "$($file.FullName) could not be signed." }
}
$bad = $found | Where-Object { (Get-AuthenticodeSignature $_.FullName).Status -ne 'Valid' }
if ($bad) { throw "These signatures do not hold: $($bad.FullName -join ', ')" }
Write-Host "alcove: $($unsigned.Count) files signed, $($found.Count) signatures hold"
