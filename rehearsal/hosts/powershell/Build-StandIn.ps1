<#
.SYNOPSIS
Compiles the stand-in cmdlets of the rehearsal into WindowsStandIn.dll.
.DESCRIPTION
Run once for each state of the sources; later calls load the file, which saves a second on each. PowerShell 7 carries
the C# compiler that Add-Type uses; called by itself it can write a file in every build of PowerShell.
.PARAMETER Destination
The folder for WindowsStandIn.dll.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)]
    [string]$Destination
)

$ErrorActionPreference = 'Stop'

foreach ($name in 'Microsoft.CodeAnalysis', 'Microsoft.CodeAnalysis.CSharp') {
    [void][System.Reflection.Assembly]::LoadFrom([System.IO.Path]::Combine($PSHOME, "$name.dll"))
}
$options = [Microsoft.CodeAnalysis.CSharp.CSharpCompilationOptions]::new(
    [Microsoft.CodeAnalysis.OutputKind]::DynamicallyLinkedLibrary).
WithNullableContextOptions([Microsoft.CodeAnalysis.NullableContextOptions]::Enable).
WithOptimizationLevel([Microsoft.CodeAnalysis.OptimizationLevel]::Release)

$trees = [System.Collections.Generic.List[Microsoft.CodeAnalysis.SyntaxTree]]::new()
foreach ($file in Get-ChildItem -Path "$PSScriptRoot/source" -Filter '*.cs') {
    $text = [System.IO.File]::ReadAllText($file.FullName)
    $trees.Add([Microsoft.CodeAnalysis.CSharp.CSharpSyntaxTree]::ParseText($text).WithFilePath($file.Name))
}
$references = [System.Collections.Generic.List[Microsoft.CodeAnalysis.MetadataReference]]::new()
foreach ($path in ([string][System.AppContext]::GetData('TRUSTED_PLATFORM_ASSEMBLIES')).Split(':')) {
    if ([System.IO.File]::Exists($path)) {
        $references.Add([Microsoft.CodeAnalysis.MetadataReference]::CreateFromFile($path))
    }
}
$compilation = [Microsoft.CodeAnalysis.CSharp.CSharpCompilation]::Create(
    'WindowsStandIn', $trees, $references, $options)
$image = [System.IO.File]::Create([System.IO.Path]::Combine($Destination, 'WindowsStandIn.dll'))
try {
    $result = $compilation.Emit($image)
} finally {
    $image.Dispose()
}
if (-not $result.Success) {
    $problems = $result.Diagnostics | Where-Object -FilterScript { $_.Severity -eq 'Error' }
    throw ($problems | ForEach-Object -Process { [string]$_ } | Out-String)
}
